"""A newer build takes over; one that cannot be read does not."""

from dataclasses import replace

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.serving.current import Current


def test_a_newer_build_takes_over_and_a_broken_one_waits(service):
    builds = {"1": service, "2": RecfeatError("is being written"), "3": replace(service, built="3")}
    now = ["1"]

    def load():
        if isinstance(found := builds[now[0]], RecfeatError):
            raise found
        return found

    current = Current(load, lambda: now[0])
    assert current() is service
    assert not current.refresh()
    now[0] = "2"
    assert not current.refresh()
    assert current() is service, "the old one answers"
    now[0] = "3"
    assert current.refresh()
    assert current().built == "3"


def test_it_is_watched(service):
    now = ["1"]
    current = Current(lambda: replace(service, built=now[0]), lambda: now[0])
    stop = current.watch(0.01)
    now[0] = "2"
    for _ in range(500):
        if current().built == "2":
            break
        stop.wait(0.01)
    stop.set()
    assert current().built == "2"
