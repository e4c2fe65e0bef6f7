"""A newer build takes over; one that cannot be read does not."""

import threading
from dataclasses import replace

from fastapi.testclient import TestClient

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.serving.current import Current
from recfeat_pipeline.serving.http import build_app
from recfeat_pipeline.serving.service import Service


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


def test_it_is_ready_when_it_is_warm_and_a_newer_build_is_warm_before_it_answers(service):
    now, warmed, go = ["1"], [], threading.Event()

    class Slow(Service):
        def warm(self):
            assert go.wait(30)
            super().warm()
            warmed.append(self.built)

    def load():
        return Slow(**{**vars(service), "built": now[0], "_loaded": {}})

    current = Current(load, lambda: now[0])
    client = TestClient(build_app(current, lambda: current.is_ready))
    assert client.get("/health").status_code == 200, "nobody asked for warmth"
    thread = current.warm()
    assert client.get("/health").json() == {"status": "starting"}
    assert client.get("/health").status_code == 503
    assert client.get("/about").status_code == 200, "it answers, if slowly"
    go.set()
    thread.join(30)
    assert client.get("/health").json() == {"status": "ok"}
    now[0] = "2"
    assert current.refresh()
    assert warmed == ["1", "2"]
    assert current()._loaded, "the leading arm is there"


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
