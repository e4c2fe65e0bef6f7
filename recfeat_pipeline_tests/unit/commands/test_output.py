"""What is printed: whole on a pipe, harmless on a terminal, JSON for scripts."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recfeat_pipeline.commands import output


def test_a_table_on_a_pipe_is_plain_and_never_cut(capsys):
    long = "x" * 300
    output.table({"name": "left", "n": "right"}, [("[bold]a[/]", 7), (long, None)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "n"]
    assert lines[1].split() == ["[bold]a[/]", "7"]
    assert lines[2].split() == [long, "–"]
    assert not any(line != line.rstrip() for line in lines)


def test_a_title_cannot_steer_the_terminal(capsys):
    output.say("Evil \x1b[2J\x07 (1999)")
    output.table({"title": "left"}, [("two\nlines\x1b]0;x\x07",)])
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "Evil \ufffd[2J\ufffd (1999)" in shown
    assert "two lines" in shown


def test_an_error_is_one_line_on_stderr_whatever_it_holds(capsys):
    output.complain("the column '[red]' of " + "long/" * 60)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "error: the column '[red]' of " + "long/" * 60 + "\n"


def test_json_has_no_value_that_json_lacks(capsys):
    when = datetime(2026, 1, 2, tzinfo=UTC)
    output.dump({"a": float("nan"), "b": (1, Path("x")), "c": when, "d": None, "e": "é"})
    shown = capsys.readouterr().out
    assert json.loads(shown) == {
        "a": None, "b": [1, "x"], "c": "2026-01-02T00:00:00+00:00", "d": None, "e": "é"
    }  # fmt: skip
    assert "é" in shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0, "$0.00"), (0.0042, "$0.0042"), (0.1, "$0.10"), (1204.5, "$1,204.50")],
)
def test_dollars(value, shown):
    assert output.dollars(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0 %"), (0.001, "< 1 %"), (0.12, "12 %"), (0.999, "> 99 %"), (1, "100 %")],
)
def test_a_share_is_never_all_or_nothing_by_rounding(value, shown):
    assert output.share(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(3, "3 s"), (59.7, "1 min 00 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")],
)
def test_duration(seconds, shown):
    assert output.duration(seconds) == shown
