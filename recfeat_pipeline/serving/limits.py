"""What the HTTP server takes in, and what it says of a request that it refuses or fails at."""

import json
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 4_000_000
"""Of a body: the longest lists that are allowed, of the longest ids, written as escapes."""


class SmallBodies:
    """Refuses with 413 a body that says it is larger, or turns out to be, before it is all read."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        length = Headers(scope=scope).get("content-length", "0")
        read = int(length) if length.isdecimal() else 0
        left = MOST_BYTES

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if min(left, MOST_BYTES - read) < 0:
                raise HTTPException(413, f"A body has at most {MOST_BYTES:,} bytes.")
            return message

        return await self.app(scope, counted, send)


async def refused(_: Request, error: RequestValidationError) -> Response:
    """422 with where and why; what was sent is not sent back: it may be long, or no Unicode."""
    said = [
        {"type": one["type"], "loc": [_short(part) for part in one["loc"]], "msg": one["msg"]}
        for one in error.errors()
    ]
    return Response(json.dumps({"detail": said}), 422, media_type="application/json")


def _short(part: Any) -> Any:
    return part[:100] if isinstance(part, str) else part
