"""The simulated fortnight: when a day is over, and what the person on call reads."""

import time
from types import SimpleNamespace

import pytest

from bench.fortnight import STILL, Fortnight, message


def record(job, created, ended):
    """A run, in seconds from now; ``ended`` None: it is under way."""
    return SimpleNamespace(
        dagster_run=SimpleNamespace(job_name=job, is_finished=ended is not None),
        create_timestamp=SimpleNamespace(timestamp=lambda: time.time() + created),
        end_time=None if ended is None else time.time() + ended,
    )


@pytest.mark.parametrize(
    ("ended", "others", "quiet"),
    [
        (-1, [record("__ASSET_JOB", -900, -800)], False),  # what follows has not begun yet
        (-STILL - 1, [record("__ASSET_JOB", -900, -800)], True),
        (-STILL - 1, [record("__ASSET_JOB", -20, -2)], False),
        (-STILL - 1, [record("__ASSET_JOB", -20, None)], False),
        (-STILL - 1, [], True),
    ],
)
def test_a_day_is_over_when_nothing_follows_from_its_refresh(monkeypatch, ended, others, quiet):
    runs = [record("refresh_text", -60, ended), record("refresh_text", -900, -890), *others]
    monkeypatch.setattr(Fortnight, "runs", lambda self: runs)
    assert Fortnight(None, None, None, None).is_quiet(time.time() - 100) is quiet


def test_a_message_names_what_it_is_about():
    failed = {"kind": "failure", "assets": ["lake/documents"], "job": "j", "reasons": ["Why."]}
    assert message(failed) == "lake/documents: Why."
    assert message({**failed, "assets": []}) == "j: Why."
    assert message({"kind": "warning", "about": "a check", "reasons": ["W."]}) == "a check: W."
    assert message({"kind": "skipped", "about": "a schedule", "reasons": ["S."]}) == ""
