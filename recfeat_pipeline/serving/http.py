"""The HTTP server: one route a call of the service, OpenAPI at ``/docs``.

An LLM is asked for a request that wants one, on a server that may ask one, and for no other.

Input is checked by type and size before it is used; every answer carries a request id, which the
caller may give. Counts and times per route stand at ``/metrics`` in Prometheus' format.
"""

import re
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import FastAPI, Request, Response
from fastapi import Path as InPath
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from pydantic import BaseModel, ConfigDict, Field

from recfeat_pipeline.serving.service import Filters, NoLLM, NotFound, Service

MOST_ITEMS, MOST_HISTORY, MOST_CHARACTERS = 500, 1000, 2000
REQUEST_ID = re.compile(r"[\w.:-]{1,64}")
Id = Annotated[str, Field(max_length=200)]
Words = Annotated[str, Field(max_length=MOST_CHARACTERS)]
Number = Annotated[int, Field(ge=1, le=MOST_ITEMS, description="How many items.")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Rules(_Strict):
    """Rules that every line of the list keeps."""

    genres: list[Words] = Field([], description="Any of them.", max_length=50)
    not_genres: list[Words] = Field([], description="None of them.", max_length=50)
    first_year: int | None = None
    last_year: int | None = None
    exclude: list[Id] = Field([], description="Item ids.", max_length=MOST_HISTORY)

    def filters(self) -> Filters:
        """As the service takes them."""
        return Filters(
            tuple(self.genres), tuple(self.not_genres), self.first_year, self.last_year,
            frozenset(self.exclude),
        )  # fmt: skip


class Wanted(_Strict):
    """A history, and what is wanted for it."""

    history: list[Id] = Field(
        description="Item ids, the newest last.", min_length=1, max_length=MOST_HISTORY
    )
    arm: Id | None = Field(None, description="A trained arm; unset: the first of /about.")
    k: Number = 10
    filters: Rules = Rules()
    explain: bool = Field(False, description="Say what moved each score most.")
    rerank: bool = Field(False, description="Let an LLM order the best 30, if it answers in time.")


class Asked(_Strict):
    """Words, a turn each; a later turn refines those before it."""

    turns: list[Words] = Field(min_length=1, max_length=20)
    k: Number = 10
    filters: Rules = Rules()
    read_by_llm: bool = Field(
        False, description="Let an LLM read the words, if it answers in time."
    )


def build_app(
    current: Callable[[], Service], is_ready: Callable[[], bool] = lambda: True
) -> FastAPI:
    """The application.

    Args:
        current: the service to answer from, asked anew at each request.
        is_ready: whether requests need not wait for what is loaded once.
    """
    app = FastAPI(title="recfeat_pipeline", summary="Item features and recommendations.")
    registry = CollectorRegistry()
    seconds = Histogram(
        "recfeat_request_seconds", "Seconds a request took.", ["route", "status"],
        registry=registry,
    )  # fmt: skip
    llm_requests = Counter(
        "recfeat_llm_requests", "Requests that wanted an LLM.", ["route", "answered"],
        registry=registry,
    )  # fmt: skip

    def counted(route: str, result: dict[str, Any]) -> dict[str, Any]:
        if result["llm"]:
            llm_requests.labels(route, str(result["llm"]["answered"]).lower()).inc()
        return result

    @app.middleware("http")
    async def observe(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        started = time.perf_counter()
        response = await call_next(request)
        route = getattr(request.scope.get("route"), "path", "none")
        seconds.labels(route, response.status_code).observe(time.perf_counter() - started)
        given = request.headers.get("x-request-id", "")
        kept = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        response.headers["x-request-id"] = kept
        return response

    @app.exception_handler(NotFound)
    async def not_found(_: Request, error: NotFound) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=404)

    @app.exception_handler(NoLLM)
    async def no_llm(_: Request, error: NoLLM) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=409)

    @app.get("/health")
    def health(response: Response) -> dict[str, str]:
        """Whether the server is ready: 503 while it loads what a first request would wait for."""
        if is_ready():
            return {"status": "ok"}
        response.status_code = 503
        return {"status": "starting"}

    @app.get("/about")
    def about() -> dict[str, Any]:
        """Items, prompt version, arms, and which build of the feature store is served."""
        return current().about()

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")

    @app.get("/items")
    def search(words: Words, k: Number = 10) -> list[dict[str, Any]]:
        """Items whose titles hold the words."""
        return current().search(words, k)

    @app.get("/items/{item_id}")
    def item(item_id: Annotated[str, InPath(max_length=200)]) -> dict[str, Any]:
        """An item with its scores."""
        return current().item(item_id)

    @app.get("/items/{item_id}/neighbours")
    def neighbours(
        item_id: Annotated[str, InPath(max_length=200)], k: Number = 10
    ) -> list[dict[str, Any]]:
        """The items with the most similar scores."""
        return current().neighbours(item_id, k)

    @app.post("/recommend")
    def recommend(wanted: Wanted) -> dict[str, Any]:
        """The best items for a history, by a trained arm."""
        return counted(
            "recommend",
            current().recommend(
                wanted.history, wanted.arm, wanted.k, wanted.filters.filters(), wanted.explain,
                wanted.rerank,
            ),
        )  # fmt: skip

    @app.post("/ask")
    def ask(asked: Asked) -> dict[str, Any]:
        """The items that answer words, with reasons."""
        filters = asked.filters.filters()
        return counted("ask", current().ask(asked.turns, asked.k, filters, asked.read_by_llm))

    return app
