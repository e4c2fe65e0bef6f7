"""Progress: a line now and then in a log, with rate and time left."""

import io
import re
import time

import pytest
from rich.console import Console

from recfeat_pipeline.commands import progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that one sets."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_now_and_then(clock, capsys):
    with progress.bar("Extracting") as show:
        show(1_000, 5_000)  # of an earlier run: it does not count in the rate
        clock[0] += 20
        show(2_000, 5_000)
        assert capsys.readouterr().err == ""
        clock[0] += 20
        show(3_000, 5_000, "Extracting, part 2")
        assert capsys.readouterr().err == "  Extracting, part 2: 3,000/5,000  50.0/s, 40 s left\n"
        clock[0] += 5
        show(3_100, 5_000)
    assert capsys.readouterr() == ("", "")


def test_short_work_prints_nothing_on_a_pipe(capsys):
    with progress.bar("Extracting") as show:
        show(1, 2)
        show(2, 2)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar_with_rate_and_time_left(monkeypatch):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80)
    monkeypatch.setattr(progress, "stderr", lambda: console)
    with progress.bar("A title that is longer than its column", unit="B") as show:
        for done in range(0, 101, 10):
            show(done * 10**6, 100 * 10**6)
            time.sleep(0.02)
    drawn = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())
    frames = [line for line in re.split(r"[\r\n]+", drawn) if line.strip()]
    assert any("100.0/100.0 MB" in frame and "MB/s" in frame for frame in frames)
    assert all(frame.rstrip().endswith("left") for frame in frames), "a bar was folded"


def test_what_is_fetched_is_shown_and_nothing_before_it(clock, capsys):
    with progress.fetching() as tell:
        assert capsys.readouterr().err == ""
        tell("items.csv", 1_000_000, 4_000_000)
        clock[0] += 40
        tell("items.csv", 3_000_000, 4_000_000)
        said = "  Fetching items.csv: 3.0/4.0 MB  0.1 MB/s, 20 s left\n"
        assert capsys.readouterr().err == said
        clock[0] += 40
        tell("events.csv", 9_000_000, 0)  # the server does not say how much there is
        assert capsys.readouterr().err == "  Fetching events.csv: 9.0 MB  0.1 MB/s\n"


def test_bytes_are_shown_as_megabytes():
    assert progress.counts(5e6, 0, 1.5e6, "B") == "5.0 MB  1.5 MB/s"
    assert progress.counts(5e6, 2e8, 1.5e6, "B") == "5.0/200.0 MB  1.5 MB/s"
    assert progress.counts(5, None, None) == "5/0"
