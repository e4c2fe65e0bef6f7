"""Help: fast, complete, and every example in it is a command line that parses."""

import shlex
import subprocess
import sys

import pytest
import typer.main

from recfeat_pipeline.cli import app, help_of, run_app

ROOT = typer.main.get_command(app)
HEAVY = ("dagster", "torch", "lightning", "polars", "duckdb", "openai", "matplotlib", "pydantic")
PROMISED = {
    "init", "check", "estimate", "run", "status", "backfill", "batches", "prompts", "arms",
    "score-item", "neighbours", "fingerprint", "report", "ui", "download", "doctor", "explore",
    "taxonomy", "text", "rank", "export", "import-profiles", "import-scores", "distil", "ask",
    "serve", "mcp", "power", "reliability", "semantic-ids", "profiles",
}  # fmt: skip


def commands(group=ROOT, path=()):
    """Every command with its words."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


ALL = dict(commands())


def examples(text):
    lines = [line.replace("[cyan]$ ", "").replace("[/]", "") for line in text.splitlines()]
    return [line for line in lines if line.startswith("recfeat ")]


def test_importing_the_command_line_loads_nothing_heavy():
    code = f"""import sys, recfeat_pipeline.cli
print([name for name in {HEAVY} if name in sys.modules])"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_command_that_was_promised_is_there():
    assert set(ROOT.commands) == PROMISED


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_explains_itself_with_an_example(path, capsys):
    assert run_app([*path, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"$ recfeat {' '.join(path)}" in shown


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_option_says_what_it_does(path):
    silent = [p.name for p in ALL[path].params if not getattr(p, "help", None)]
    assert silent == []


@pytest.mark.parametrize("example", [e for c in ALL.values() for e in examples(c.help)])
def test_every_example_parses(example):
    first = example.partition("||")[0]
    _, *words = shlex.split(first)
    path = next(p for p in ALL if tuple(words[: len(p)]) == p)
    ALL[path].make_context("recfeat", words[len(path) :])


def test_help_names_the_exit_codes(capsys):
    assert run_app(["--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for said in ("0 done", "1 something that you can mend", "2 wrong usage", "3 ", "130 interr"):
        assert said in shown


def test_prose_is_folded_and_brackets_stay():
    text = help_of("One\ntwo [items].\n\n$ recfeat run\n$ recfeat ui [x]")
    assert text == "One two \\[items].\n\n[cyan]$ recfeat run[/]\n[cyan]$ recfeat ui \\[x][/]"
