"""Ctrl-C and SIGTERM: nothing more is sent, what is in flight is waited for."""

import signal

import pytest

from recfeat_pipeline.extraction import Limits, extract, load_version, runner
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.unit.extraction.cases import Scripted, documents, good

V1 = load_version("genome132-v1")


class Terminated(Exception):
    pass


@pytest.fixture(autouse=True)
def _own_signals():
    def raises(*_):
        raise Terminated

    before = signal.signal(signal.SIGTERM, raises)
    # a shell's background job is born deaf to Ctrl-C
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, heard)
    assert signal.signal(signal.SIGTERM, before) is raises  # put back


def interrupted(lake, number, times=1, delay=0.2):
    def script(request, attempt):
        if len(backend.asked) == 20:
            for _ in range(times):
                signal.raise_signal(number)
        return good(request)

    notes = []
    backend = Scripted(script, delay=delay)
    with pytest.raises((KeyboardInterrupt, Terminated)) as caught:
        extract(documents(100), V1, lake, "00", backend, limits=Limits(8), note=notes.append)
    return backend, notes, caught.type


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_what_is_in_flight_is_kept_and_the_signal_delivered(tmp_path, number, error):
    lake = Lake(tmp_path)
    backend, notes, raised = interrupted(lake, number)
    assert raised is error
    assert len(notes) == 1
    assert notes[0].startswith("Stopping: nothing more is sent, 10 seconds for the calls in flight")
    assert 20 <= backend.asked.total() < 60
    assert lake.read("responses").height == backend.asked.total()


def test_a_second_signal_ends_at_once(tmp_path):
    lake = Lake(tmp_path)
    backend, _, _ = interrupted(lake, signal.SIGINT, times=2)
    assert 0 < lake.read("responses").height < backend.asked.total()


def test_what_does_not_end_in_time_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "DRAIN_S", 0.2)
    lake = Lake(tmp_path)

    async def ask(request, attempt, reminder, ask=Scripted.ask):
        if len(backend.asked) > 12:
            backend.delay = 60
        return await ask(backend, request, attempt, reminder)

    backend = Scripted(lambda r, a: good(r), delay=0.01)
    backend.ask = ask
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, 0.8)
    with pytest.raises(KeyboardInterrupt):
        extract(documents(100), V1, lake, "00", backend, limits=Limits(8))
    assert 12 <= lake.read("responses").height < backend.asked.total()
