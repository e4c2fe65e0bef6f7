"""A shop on the loopback: pages with schema.org data, and a robots.txt.

By hand: ``python -m recfeat_pipeline_tests.servers.page_server --port 8906``; its pages are at
``http://127.0.0.1:8906/product/0`` and on.
"""

import argparse
import json
from typing import Any

from recfeat_pipeline_tests.servers.loopback import LoopbackServer, Request, Response

PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>«name» | Loopback Shop</title>
<meta name="description" content="Buy «name» here.">
<script type="application/ld+json">«data»</script>
<style>p { color: red }</style></head>
<body><header><nav><ul><li>Home</li><li>All of our products in every size or colour</li></ul></nav>
</header><main><h1>«name»</h1><p>It is made for number «i» &amp; lasts.</p>
<p>Ten people a day buy it<br>and some come back for another.</p><button>Add to basket</button>
<div>4 left</div><script>var x = "not to be read, whatever it may say here.";</script></main>
<footer><p>We accept cards. All rights reserved by the shop, for ever.</p></footer></body></html>
"""
ROBOTS = "User-agent: *\nDisallow: /private\n"


class PageServer(LoopbackServer):
    """``/product/N`` and ``/private/N``; ``/moved/N`` leads to the product, ``/away`` elsewhere."""

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.robots: Response | None = None  # instead of the usual one
        self.edited: dict[str, str] = {}  # number -> another sentence

    def route(self, request: Request) -> str:
        return "robots" if request.path == "/robots.txt" else "page"

    def answer(self, request: Request) -> Response:
        html = {"Content-Type": "text/html; charset=utf-8"}
        match request.path.strip("/").split("/"):
            case ["robots.txt"]:
                return self.robots or Response(ROBOTS, 200, {"Content-Type": "text/plain"})
            case ["product" | "private", number]:
                return Response(self.page(number), 200, html)
            case ["moved", number]:
                return Response("", 301, {"Location": f"/product/{number}"})
            case ["away"]:
                return Response("", 302, {"Location": "http://elsewhere.invalid/"})
        return Response(
            "<html><title>Not found</title><p>No such page, sorry.</p></html>", 404, html
        )

    def page(self, number: str) -> str:
        data = {
            "@context": "https://schema.org",
            "@graph": [
                {"@type": "BreadcrumbList", "itemListElement": []},
                {"@type": "Product", "name": f"Lamp {number}", "brand": {"name": "Lumen"},
                 "description": f"A lamp of the number {number}.", "category": "Lighting > Lamps",
                 "aggregateRating": {"@type": "AggregateRating", "ratingValue": 4.9},
                 "offers": {"@type": "Offer", "price": 19.99}},
            ],
        }  # fmt: skip
        text = PAGE.replace("«name»", f"Lamp {number}").replace("«i»", number)
        text = text.replace("Ten people", self.edited.get(number, "Ten people"))
        return text.replace("«data»", json.dumps(data))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8906)
    PageServer(port=parser.parse_args().port).serve_forever_from_shell()
