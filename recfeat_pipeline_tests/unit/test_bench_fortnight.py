"""The simulated fortnight: when a day is over, and what the person on call reads."""

from types import SimpleNamespace

import pytest

from bench.fortnight import Fortnight, message


def record(job, created, ended, **tags):
    """A run, in seconds; ``ended`` None: it is under way."""
    return SimpleNamespace(
        dagster_run=SimpleNamespace(job_name=job, is_finished=ended is not None, tags=tags),
        create_timestamp=SimpleNamespace(timestamp=lambda: created),
        end_time=ended,
    )


BEFORE = record("__ASSET_JOB", -900, -800)


@pytest.mark.parametrize(
    ("look", "others", "quiet"),
    [
        (-300, [BEFORE], False),  # what follows has not begun yet
        (-20, [BEFORE], True),
        (-20, [], True),
        (-20, [record("__ASSET_JOB", -80, -18)], False),
        (-20, [record("__ASSET_JOB", -80, None)], False),
        (-20, [record("__ASSET_JOB", -80, -70, **{"dagster/will_retry": "true"})], False),
        (-20, [record("refresh_text", -25, None)], False),  # which holds back what follows
    ],
)
def test_a_day_is_over_when_nothing_follows_from_its_refresh(monkeypatch, look, others, quiet):
    runs = [record("refresh_text", -90, -60), record("refresh_text", -990, -980), *others]
    monkeypatch.setattr(Fortnight, "runs", lambda self: runs)
    monkeypatch.setattr(Fortnight, "vain_looks", lambda self: [look])
    assert Fortnight(None, None, None, None).is_quiet(-100) is quiet


def test_a_message_names_what_it_is_about():
    failed = {"kind": "failure", "assets": ["lake/documents"], "job": "j", "reasons": ["Why."]}
    assert message(failed) == "lake/documents: Why."
    assert message({**failed, "assets": []}) == "j: Why."
    assert message({"kind": "warning", "about": "a check", "reasons": ["W."]}) == "a check: W."
    assert message({"kind": "skipped", "about": "a schedule", "reasons": ["S."]}) == ""
