"""The worked examples of docs/own-recommender.md, run as they stand where the library is there.

A library of an environment of its own: IMPLICIT_PYTHON or RECTOOLS_PYTHON names its interpreter.
"""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from recfeat_pipeline.cli import run_app
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.unit.commands.test_rank import fill

PAGE = Path(__file__).parents[3] / "docs" / "own-recommender.md"


def blocks(heading: str, language: str) -> list[str]:
    [section] = [s for s in PAGE.read_text("utf-8").split("\n## ") if s.startswith(heading)]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def run(lines: str) -> None:
    for line in lines.splitlines():
        if line.startswith("recfeat"):
            assert run_app(shlex.split(line)[1:]) == 0, line


@pytest.mark.parametrize(
    ("library", "heading", "arm"),
    [("implicit", "With implicit", "als"), ("rectools", "With RecTools", "their_popular")],
)
def test_the_example_runs(tmp_path, monkeypatch, library, heading, arm):
    python = os.environ.get(f"{library.upper()}_PYTHON") or sys.executable
    if python == sys.executable and importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed, and {library.upper()}_PYTHON names no Python")
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path / "lake"))
    monkeypatch.chdir(tmp_path)
    lake = Lake(str(tmp_path / "lake"))
    lake.open()
    fill(lake)
    run("".join(blocks("# Bring", "bash")))
    [program] = blocks(heading, "python")
    subprocess.run([python, "-c", program], check=True, timeout=120)
    run("".join(blocks(heading, "bash")))
    ranks = lake.read("ranks", arm=arm)
    assert ranks.height == 84
    assert ranks["rank"].mean() < 10, "better than the middle of its candidates"
