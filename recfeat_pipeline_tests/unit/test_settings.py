"""Settings that are asked for again and again are those of the environment, whenever it changes."""

import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.settings import Settings, current_settings


def test_they_are_read_anew_once_the_environment_changes(monkeypatch):
    monkeypatch.setenv("RECFEAT_LAKE", "one")
    first = current_settings()
    assert first == Settings()
    assert current_settings() is first
    monkeypatch.setenv("RECFEAT_LAKE", "two")
    assert current_settings().lake == "two"
    monkeypatch.delenv("RECFEAT_LAKE")
    assert current_settings() == Settings()


def test_what_cannot_be_is_said_each_time(monkeypatch):
    monkeypatch.setenv("RECFEAT_TEXT_LANGUAGE", "German")
    for _ in range(2):
        with pytest.raises(RecfeatError, match="RECFEAT_TEXT_LANGUAGE cannot be used"):
            current_settings()
