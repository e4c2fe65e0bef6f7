"""The routes, their checks of input, request ids and metrics, over the real application."""

import re
from dataclasses import replace

import polars as pl
import pytest
from fastapi.testclient import TestClient

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.serving.http import build_app
from recfeat_pipeline_tests.unit.serving.test_llm import llm_of, with_llm


@pytest.fixture
def client(service):
    return TestClient(build_app(lambda: service))


def test_every_route_answers(client):
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/about").json()["arms"] == ["llm"]
    assert client.get("/items", params={"words": "alien"}).json()[0]["item_id"] == "a"
    assert client.get("/items/a").json()["title"] == "Alien (1979)"
    assert client.get("/items/a/neighbours", params={"k": 1}).json()[0]["item_id"] == "b"
    wanted = {"history": ["a"], "k": 2, "filters": {"genres": ["Action"]}, "explain": True}
    assert [i["item_id"] for i in client.post("/recommend", json=wanted).json()["items"]] == [
        "d", "b",
    ]  # fmt: skip
    assert client.post("/ask", json={"turns": ["love"]}).json()["items"][0]["item_id"] == "c"
    assert set(client.get("/openapi.json").json()["paths"]) == {
        "/health", "/about", "/items", "/items/{item_id}", "/items/{item_id}/neighbours",
        "/recommend", "/ask",
    }  # fmt: skip


def test_the_page_of_routes_asks_no_other_host(client):
    page = client.get("/docs").text
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert addresses
    assert all(client.get(address).status_code == 200 for address in addresses)
    assert "//" not in "".join(addresses)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/items/nope", None, 404),
        ("GET", "/items/a/neighbours?k=0", None, 422),
        ("GET", "/items/a/neighbours?k=501", None, 422),
        ("GET", f"/items/{'x' * 201}", None, 422),
        ("POST", "/recommend", {"history": []}, 422),
        ("POST", "/recommend", {"history": ["a"] * 1001}, 422),
        ("POST", "/recommend", {"history": ["a"], "nonsense": 1}, 422),
        ("POST", "/recommend", {"history": ["a"], "arm": "x"}, 404),
        ("POST", "/recommend", {"history": ["a"], "rerank": True}, 409),
        ("POST", "/ask", {"turns": ["love"], "read_by_llm": True}, 409),
        ("POST", "/ask", {"turns": []}, 422),
        ("POST", "/ask", {"turns": ["x" * 2001]}, 422),
        ("POST", "/recommend", {"history": ["x" * 4_000_001]}, 413),
    ],
)
def test_wrong_requests_are_refused(client, method, path, body, status):
    assert client.request(method, path, json=body).status_code == status


def test_a_refusal_does_not_send_back_what_was_sent(client):
    """It may be long, or no Unicode, which no answer could hold."""
    sent = b'{"history": ["a", "\\ud800"], "' + b"x" * 3_000 + b'": 1}'
    refused = client.post("/recommend", content=sent, headers={"content-type": "application/json"})
    assert refused.status_code == 422
    assert [one["loc"][:2] for one in refused.json()["detail"]] == [
        ["body", "history"], ["body", "x" * 100],
    ]  # fmt: skip
    assert len(refused.content) < 1_000


def test_a_body_without_a_length_is_read_no_further_than_allowed(client):
    read = []

    def parts():
        for n in range(100):
            read.append(n)
            yield b"x" * 1_000_000

    assert client.post("/recommend", content=parts()).status_code == 413


def test_ids_may_hold_a_slash(service):
    items = service.library.items.with_columns(pl.col("item_id").replace("a", "a/1"))
    service = replace(service, library=replace(service.library, items=items))
    client = TestClient(build_app(lambda: service))
    assert client.get("/items/a%2F1").json()["title"] == "Alien (1979)"
    assert client.get("/items/a/1/neighbours").json()[0]["item_id"] == "b"
    assert '"/items/{item_id}/neighbours"' in client.get("/metrics").text


def test_what_fails_is_told_counted_and_has_an_id(service):
    arms = {"broken": lambda: 1 / 0, "gone": lambda: other_features()}

    def other_features():
        raise RecfeatError("The run was trained with other features.")

    app = build_app(lambda: replace(service, recommenders=arms))
    client = TestClient(app, raise_server_exceptions=False)
    gone = client.post("/recommend", json={"history": ["a"], "arm": "gone"})
    assert (gone.status_code, gone.json()["detail"]) == (
        503, "The run was trained with other features.",
    )  # fmt: skip
    wanted = {"history": ["a"], "arm": "broken"}
    failed = client.post("/recommend", json=wanted, headers={"x-request-id": "order-7"})
    assert (failed.status_code, failed.headers["x-request-id"]) == (500, "order-7")
    assert "log" in failed.json()["detail"]
    text = client.get("/metrics").text
    assert 'recfeat_request_seconds_count{route="/recommend",status="500"} 1.0' in text


def test_a_request_has_an_id_and_a_good_one_is_kept(client):
    kept = client.get("/health", headers={"x-request-id": "order-7"})
    assert kept.headers["x-request-id"] == "order-7"
    replaced = client.get("/health", headers={"x-request-id": "a b<script>"})
    assert len(replaced.headers["x-request-id"]) == 32


def test_metrics_count_by_route_and_never_by_item(client):
    client.get("/items/a")
    client.get("/items/nope")
    text = client.get("/metrics").text
    assert 'recfeat_request_seconds_count{route="/items/{item_id}",status="200"} 1.0' in text
    assert 'recfeat_request_seconds_count{route="/items/{item_id}",status="404"} 1.0' in text
    assert "nope" not in text


def test_requests_that_wanted_an_llm_are_counted_by_whether_it_answered(service):
    client = TestClient(build_app(lambda: with_llm(service, llm_of(ranking=[None], taste=[None]))))
    wanted = {"history": ["a"], "rerank": True}
    assert client.post("/recommend", json=wanted).json()["llm"] == {
        "model": "some-llm",
        "answered": False,
    }
    client.post("/ask", json={"turns": ["love"], "read_by_llm": True})
    client.post("/ask", json={"turns": ["love"]})
    text = client.get("/metrics").text
    for route in ("recommend", "ask"):
        line = f'recfeat_llm_requests_total{{answered="false",route="{route}"}} 1.0'
        assert line in text
