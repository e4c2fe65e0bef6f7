"""A run history that is locked or cannot be written: one sentence each, through the command."""

import os
import sqlite3

import pytest

from recfeat_pipeline.defs import history
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.integration.cli_world import run, write_catalog

COMMAND = ("run", "--until", "catalog")


@pytest.fixture
def home(tmp_path, monkeypatch, capsys):
    """The history of a lake whose catalogue has been read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("RECFEAT_CATALOG", str(write_catalog(tmp_path)))
    assert run(capsys, *COMMAND).code == 0
    monkeypatch.delenv("DAGSTER_HOME")
    Lake(tmp_path / "lake").drop_note(
        "made_of", product="stage-catalog"
    )  # so that it is read again
    return tmp_path / "lake" / "dagster_home"


def test_a_locked_history_is_a_sentence(home, monkeypatch, capsys):
    monkeypatch.setattr(history, "BUSY_SECONDS", 0)
    connection = sqlite3.connect(home / "history" / "runs.db")
    connection.execute("BEGIN EXCLUSIVE")
    try:
        ran = run(capsys, *COMMAND)
    finally:
        connection.close()
    assert ran.code == 1
    assert "is locked by another program" in ran.error
    assert "Traceback" not in ran.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_lake_is_a_sentence(home, capsys):
    for folder in (home, home / "history", home.parent):
        folder.chmod(0o500)
    try:
        ran = run(capsys, *COMMAND)
    finally:
        for folder in (home.parent, home, home / "history"):
            folder.chmod(0o700)
    assert ran.code == 1
    assert "cannot be written" in ran.error or "No permission" in ran.error


def test_a_history_that_cannot_be_made_is_a_sentence(home, monkeypatch, capsys):
    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster.yaml" / "inside"))
    assert "cannot be written" in run(capsys, *COMMAND).error


def test_a_damaged_history_is_a_sentence(home, capsys):
    (home / "history" / "runs.db").write_bytes(b"no database" * 1000)
    ran = run(capsys, *COMMAND)
    assert ran.code == 1
    assert "can be moved away" in ran.error
