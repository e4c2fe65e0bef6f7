"""A loopback file server that supports Range and misbehaves on demand."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Downloads:
    """What the server holds, how it misbehaves, and what it was asked."""

    files: dict[str, bytes]
    drop_after: int | None = None  # bytes after which a connection is cut
    ignore_range: bool = False
    failures: list[int] = field(default_factory=list)  # statuses answered first, one a request
    url: str = ""
    ranges: list[str | None] = field(default_factory=list)  # Range header of each file request


@contextmanager
def serve(downloads: Downloads) -> Iterator[Downloads]:
    """Run the server on a free port; ``downloads.url`` is its root."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if not self.path.endswith(".md5"):
                downloads.ranges.append(self.headers.get("Range"))
            if downloads.failures:
                return self._answer(downloads.failures.pop(0), b"")
            body = downloads.files.get(self.path)
            if body is None:
                return self._answer(404, b"")
            start = 0
            if self.headers.get("Range") and not downloads.ignore_range:
                start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
                if start >= len(body):
                    return self._answer(416, b"", {"Content-Range": f"bytes */{len(body)}"})
            return self._answer(206 if start else 200, body[start:])

        def _answer(self, status, body, headers=None):
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: downloads.drop_after])
            self.wfile.flush()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    downloads.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield downloads
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
