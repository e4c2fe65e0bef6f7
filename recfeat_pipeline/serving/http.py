"""The HTTP server: one route a call of the service, OpenAPI at ``/docs``, of no other host.

An LLM is asked for a request that wants one, on a server that may ask one, and for no other.

Input is checked by type and size before it is used; every answer carries a request id, which the
caller may give. Counts and times per route stand at ``/metrics`` in Prometheus' format.
"""

import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import FastAPI, Request, Response
from fastapi import Path as InPath
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.serving.limits import SmallBodies, refused
from recfeat_pipeline.serving.service import NoLLM, NotFound, Service
from recfeat_pipeline.serving.wanted import Asked, Number, Wanted, Words

logger = logging.getLogger(__name__)

REQUEST_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)
STATUS = {NotFound: 404, NoLLM: 409, RecfeatError: 503}  # of an arm that cannot be loaded, say
InAddress = Annotated[str, InPath(max_length=200)]


def build_app(
    current: Callable[[], Service], is_ready: Callable[[], bool] = lambda: True
) -> FastAPI:
    """The application.

    Args:
        current: the service to answer from, asked anew at each request.
        is_ready: whether requests need not wait for what is loaded once.
    """
    summary = "Item features and recommendations."
    app = FastAPIOffline(redoc_url=None, title="recfeat_pipeline", summary=summary)
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

    app.add_middleware(SmallBodies)

    @app.middleware("http")
    async def observe(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        given = request.headers.get("x-request-id", "")
        kept = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        request.state.id = kept
        started, status = time.perf_counter(), 500
        try:
            response = await call_next(request)
            status = response.status_code
        finally:
            route = getattr(request.scope.get("route"), "path", "none").replace(":path", "")
            seconds.labels(route, status).observe(time.perf_counter() - started)
        response.headers["x-request-id"] = kept
        return response

    app.add_exception_handler(RequestValidationError, refused)  # type: ignore[arg-type]

    def told(_: Request, error: Exception) -> JSONResponse:
        status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
        return JSONResponse({"detail": str(error)}, status)

    def failed(request: Request, _: Exception) -> JSONResponse:
        logger.error("Request %s failed: %s.", request.state.id, request.url.path)
        detail = "The server failed at this request; its log says how."
        return JSONResponse({"detail": detail}, 500, {"x-request-id": request.state.id})

    app.add_exception_handler(RecfeatError, told)
    app.add_exception_handler(Exception, failed)

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

    # ids may hold a slash, so that the route of neighbours comes first
    @app.get("/items/{item_id:path}/neighbours")
    def neighbours(item_id: InAddress, k: Number = 10) -> list[dict[str, Any]]:
        """The items with the most similar scores."""
        return current().neighbours(item_id, k)

    @app.get("/items/{item_id:path}")
    def item(item_id: InAddress) -> dict[str, Any]:
        """An item with its scores."""
        return current().item(item_id)

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
