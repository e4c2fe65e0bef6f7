"""One holder among all machines, whoever dies, sleeps or comes late."""

import threading
import uuid

import pytest

from recfeat_pipeline import leases
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.leases import Lease


@pytest.fixture
def quick(monkeypatch):
    """Beats and deaths in hundredths of a second."""
    monkeypatch.setattr(leases, "BEAT_S", 0.01)
    monkeypatch.setattr(leases, "TTL_S", 0.2)
    monkeypatch.setattr(leases, "LOOK_AGAIN", 0.01)


def die(lease: Lease) -> None:
    """What kill -9 leaves: no beat, no lock, and the file."""
    lease._ended.set()
    lease._heart.join()
    lease._lock.release()


def test_two_machines_take_turns_and_the_second_says_who_holds_it(machine):
    with machine("a").lease("x"):
        with pytest.raises(TimeoutError, match=r"x is held by process \d+ of "):
            machine("b").lease("x", timeout=0).acquire()
        with machine("b").lease("y", timeout=0):
            pass
    with machine("b").lease("x", timeout=0):
        pass
    assert len(machine("a").glob("leases/x/*.json")) == 1


def test_two_processes_of_a_machine_are_kept_apart_as_well(machine):
    with machine("a").lease("x"), pytest.raises(TimeoutError):
        machine("a").lease("x", timeout=0).acquire()


def test_a_dead_holder_of_another_machine_is_waited_for_and_replaced(machine, quick):
    first = machine("a").lease("x")
    first.acquire()
    die(first)
    second = machine("b").lease("x", timeout=0)
    with pytest.raises(TimeoutError):  # it may be alive: its beat has not been watched yet
        second.acquire()
    with machine("b").lease("x", timeout=5):
        pass


def test_a_dead_holder_of_this_machine_is_replaced_at_once(machine):
    first = machine("a").lease("x")
    first.acquire()
    die(first)
    with machine("a").lease("x", timeout=0):
        pass


def test_a_holder_that_lives_is_never_replaced(machine, quick):
    with machine("a").lease("x") as held:
        with pytest.raises(TimeoutError):
            machine("b").lease("x", timeout=1).acquire()
        held.check()


def test_one_that_was_taken_for_dead_is_told(machine, quick):
    sleeper = machine("a").lease("x")
    sleeper.acquire()
    number, beat = sleeper._number, threading.Thread(target=sleeper._beat, args=(machine("a"),))
    die(sleeper)
    with machine("b").lease("x", timeout=5) as second:
        assert second._number > number
        sleeper._ended.clear()
        beat.start()  # it wakes
        beat.join(5)
        with pytest.raises(RecfeatError, match="has taken over 'x'"):
            sleeper.check()
        second.check()


def test_of_many_who_want_it_at_once_one_holds_it(tmp_path, monkeypatch, quick):
    root, inside, most = f"memory://leases-{uuid.uuid4().hex}", [], []

    def work(lake: Lake) -> None:
        for _ in range(3):
            with lake.lease("x"):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = []
    for number in range(6):
        monkeypatch.setenv("HOME", str(tmp_path / str(number)))
        threads.append(threading.Thread(target=work, args=(Lake(root),)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(most), max(most)) == (18, 1)


def test_one_that_comes_late_stands_back(machine, monkeypatch):
    """Between its look and its put, others have made, released and deleted that number."""
    lake, late = machine("a"), machine("b").lease("x", timeout=0)
    create = Lake.create

    def after_others(self, path, data):
        monkeypatch.setattr(Lake, "create", create)
        for _ in range(2):
            with lake.lease("x", timeout=0):
                pass
        return create(self, path, data)

    with machine("a").lease("x"):
        pass
    monkeypatch.setattr(Lake, "create", after_others)
    with pytest.raises(TimeoutError):
        late.acquire()


def test_a_lake_that_is_a_folder_has_a_lock_alone(tmp_path):
    with Lake(tmp_path).lease("x"):
        assert not (tmp_path / "leases").exists()
        with pytest.raises(TimeoutError):
            Lake(tmp_path).lease("x", timeout=0).acquire()
