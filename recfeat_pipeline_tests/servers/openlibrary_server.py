"""OpenLibrary on the loopback, after https://openlibrary.org/developers/api (books, works, search).

By hand: ``python -m recfeat_pipeline_tests.servers.openlibrary_server --port 8904``, then
``RECFEAT_OPENLIBRARY_BASE_URL=http://127.0.0.1:8904``.
"""

import argparse
from dataclasses import dataclass, field
from typing import Any

from recfeat_pipeline_tests.servers.loopback import LoopbackServer, Request, Response


@dataclass
class Book:
    number: int
    title: str
    author: str
    isbns: list[str] = field(default_factory=list)
    description: str = ""
    subjects: list[str] = field(default_factory=list)
    first_published: int = 1950
    edition_year: int = 1999

    @property
    def work(self) -> str:
        return f"/works/OL{self.number}W"

    @property
    def edition(self) -> str:
        return f"/books/OL{self.number}M"


def made_up_books(n: int) -> list[Book]:
    """``n`` books with distinct titles, authors and texts."""
    return [
        Book(
            number=100 + i,
            title=f"The Book of Number {i}",
            author=f"Ada Author{i}",
            isbns=[f"978000000{i:04d}", f"00000{i:04d}X"],
            description=f"Somebody reads about the number {i} and is changed.",
            subjects=["Fiction", f"Number {i}", "fiction"],
        )
        for i in range(n)
    ]


class OpenLibraryServer(LoopbackServer):
    """Knows the books it is given. ``merged``: work key → the one that it was merged into."""

    def __init__(self, books: list[Book], **options: Any):
        super().__init__(**options)
        self.books = books
        self.merged: dict[str, str] = {}
        self.deleted: set[str] = set()

    def route(self, request: Request) -> str:
        return request.path.strip("/").split("/")[0].removesuffix(".json")

    def answer(self, request: Request) -> Response:
        match request.path.removesuffix(".json").strip("/").split("/"):
            case ["isbn", isbn]:
                for book in self.books:
                    if isbn in book.isbns:
                        return Response("", 302, {"Location": f"{book.edition}.json"})
            case ["books", key]:
                for book in self.books:
                    if book.edition == f"/books/{key}":
                        return Response(_edition(book))
            case ["works", key]:
                return self._work(f"/works/{key}")
            case ["authors", key]:
                for book in self.books:
                    if _author(book)["key"] == f"/authors/{key}":
                        return Response(_author(book))
            case ["search"]:
                return self._search(request.query)
        return _not_found(request.path)

    def throttled(self) -> Response:
        return Response("<html><h1>429 Too Many Requests</h1></html>", 429,
                        {"Content-Type": "text/html"})  # fmt: skip

    def _work(self, key: str) -> Response:
        if key in self.deleted:
            return Response({"key": key, "type": {"key": "/type/delete"}, "latest_revision": 9})
        if target := self.merged.get(key):
            return Response({"key": key, "type": {"key": "/type/redirect"}, "location": target})
        for book in self.books:
            if book.work == key:
                return Response(_work(book))
        return _not_found(key)

    def _search(self, query: dict[str, str]) -> Response:
        title, author = (query.get(name, "").casefold() for name in ("title", "author"))
        found = [
            {"key": book.work, "title": book.title, "author_name": [book.author],
             "first_publish_year": book.first_published}
            for book in self.books
            if title in book.title.casefold()
            and set(author.split()) & set(book.author.casefold().split())
        ]  # fmt: skip
        limit = int(query.get("limit", 100))
        return Response({"numFound": len(found), "start": 0, "docs": found[:limit]})


def _work(book: Book) -> dict[str, Any]:
    return {
        "key": book.work,
        "type": {"key": "/type/work"},
        "title": book.title,
        "description": {"type": "/type/text", "value": book.description},
        "subjects": book.subjects,
        "subject_places": ["Lisbon"],
        "authors": [
            {"author": {"key": _author(book)["key"]}, "type": {"key": "/type/author_role"}}
        ],
        "first_publish_date": str(book.first_published),
        "first_sentence": {"type": "/type/text", "value": "It began with a number."},
        "covers": [1],
        "latest_revision": 3,
    }


def _edition(book: Book) -> dict[str, Any]:
    return {
        "key": book.edition,
        "type": {"key": "/type/edition"},
        "title": book.title,
        "subtitle": "A Novel",
        "works": [{"key": book.work}],
        "publish_date": f"October 1, {book.edition_year}",
        "isbn_13": book.isbns[:1],
        "latest_revision": 5,
    }


def _author(book: Book) -> dict[str, Any]:
    return {
        "key": f"/authors/OL{book.number}A",
        "type": {"key": "/type/author"},
        "name": book.author,
        "alternate_names": [", ".join(reversed(book.author.split(" ", 1)))],
    }


def _not_found(key: str) -> Response:
    return Response({"error": "notfound", "key": key}, 404)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8904)
    OpenLibraryServer(
        made_up_books(100), port=parser.parse_args().port, limit=3
    ).serve_forever_from_shell()
