"""A small HTTP server for tests: counts, rate limit, and faults that one can switch on."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

HTML_ERROR = "<!DOCTYPE html><html><head><title>502</title></head><body>Bad Gateway</body></html>"


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]  # of the URL and of a form
    headers: Any


@dataclass
class Response:
    body: Any  # a str, or anything JSON
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body).encode()


@dataclass
class Fault:
    """One way to fail: throttle, error, maxlag (Wikimedia), timeout, drop, half, cut, wrong, html,
    redirect_loop, redirect_away."""

    kind: str
    times: float  # how often; math.inf: until cleared
    route: str | None  # None: any
    match: Callable[[Request], bool]


class LoopbackServer:
    """Start with ``with``; ``url`` is its root. Subclasses answer and name routes."""

    def __init__(self, port: int = 0, limit: float | None = None, latency: float = 0.0):
        self.limit = limit  # requests in any one second; more are throttled
        self.latency = latency
        self.retry_after: str | None = "1"
        self.hang = 2.0  # seconds of a "timeout"
        self.counts: Counter[str] = Counter()  # requests by route
        self.outcomes: Counter[str] = Counter()  # faults and throttled requests, by kind
        self.most_at_once = 0
        self.user_agents: set[str] = set()
        self.arrivals: list[float] = []
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._under_way = 0
        handler = type("Handler", (_Handler,), {"server_object": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._http.daemon_threads = True

    def route(self, request: Request) -> str:
        raise NotImplementedError

    def answer(self, request: Request) -> Response:
        raise NotImplementedError

    def throttled(self) -> Response:
        return Response("Too many requests", 429)

    def broken(self) -> Response:
        return Response("Internal error", 500)

    def lagged(self) -> Response:
        raise NotImplementedError

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def fail(
        self,
        kind: str,
        times: float = 1,
        route: str | None = None,
        match: Callable[[Request], bool] = lambda request: True,
    ) -> None:
        """Answer the next requests of a route with a fault."""
        self._faults.append(Fault(kind, times, route, match))

    def heal(self) -> None:
        self._faults.clear()

    def reset_counts(self) -> None:
        with self._lock:
            self.counts.clear()
            self.outcomes.clear()
            self.arrivals.clear()

    def __enter__(self):
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    # -- one request ---------------------------------------------------------------------------

    def _begin(self, request: Request) -> Fault | None:
        now = time.monotonic()
        route = self.route(request)
        with self._lock:
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
            self.counts[route] += 1
            self.user_agents.add(request.headers.get("User-Agent", ""))
            recent = sum(1 for at in self.arrivals[-200:] if at > now - 1)
            self.arrivals.append(now)
            if self.limit is not None and recent >= self.limit:
                self.outcomes["throttle"] += 1
                return Fault("throttle", 1, None, lambda request: True)
            for fault in self._faults:
                if fault.times > 0 and fault.route in (None, route) and fault.match(request):
                    fault.times -= 1
                    self.outcomes[fault.kind] += 1
                    return fault
        return None

    def _end(self) -> None:
        with self._lock:
            self._under_way -= 1

    def serve_forever_from_shell(self) -> None:
        """Serve until interrupted: for a run by hand."""
        print(f"{type(self).__name__} at {self.url}, Ctrl-C to stop", flush=True)
        try:
            self._http.serve_forever()
        except KeyboardInterrupt:
            self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_object: LoopbackServer

    def do_GET(self) -> None:
        self._handle()

    do_POST = do_GET

    def _handle(self) -> None:
        server = self.server_object
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if length := int(self.headers.get("Content-Length") or 0):
            query |= parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True)
        request = Request(self.command, parts.path, query, self.headers)
        fault = server._begin(request)
        try:
            if server.latency:
                time.sleep(server.latency)
            self._respond(request, fault)
        finally:
            server._end()

    def _respond(self, request: Request, fault: Fault | None) -> None:
        server = self.server_object
        kind = fault.kind if fault else None
        if kind == "timeout":
            time.sleep(server.hang)
        if kind in ("timeout", "drop"):
            self.close_connection = True
            return
        response = {
            None: lambda: server.answer(request),
            "throttle": server.throttled,
            "error": server.broken,
            "maxlag": server.lagged,
            "html": lambda: Response(HTML_ERROR, 200, {"Content-Type": "text/html"}),
            "wrong": lambda: Response({"unexpected": ["shape"]}),
            "redirect_loop": lambda: Response("", 302, {"Location": self.path}),
            "redirect_away": lambda: Response("", 302, {"Location": "http://example.invalid/"}),
        }.get(kind, lambda: server.answer(request))()
        if kind == "throttle" and server.retry_after is not None:
            response.headers.setdefault("Retry-After", server.retry_after)
        body = response.encoded()
        declared = len(body)
        if kind in ("half", "cut"):
            body = body[: len(body) // 2]
            declared = declared if kind == "half" else len(body)
            self.close_connection = True
            response.headers["Connection"] = "close"
        lines = {
            "Content-Type": "application/json;charset=utf-8",
            **response.headers,
            "Content-Length": str(declared),
        }
        head = f"HTTP/1.1 {response.status} -\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
        try:
            self.wfile.write(head.encode() + body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass
