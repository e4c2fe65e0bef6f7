"""Pauses that a test need not sit out."""

import pytest

from recfeat_pipeline.extraction import runner, throttle


@pytest.fixture
def quick(monkeypatch):
    """Cool-downs and pauses between two tries, a hundredth as long."""
    monkeypatch.setattr(throttle, "FIRST_PAUSE", 0.005)
    monkeypatch.setattr(throttle, "LONGEST_PAUSE", 0.02)
    monkeypatch.setattr(runner, "BACKOFF_S", 0.001)
