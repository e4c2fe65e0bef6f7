"""MusicBrainz' web service on the loopback, after https://musicbrainz.org/doc/MusicBrainz_API.

By hand: ``python -m recfeat_pipeline_tests.servers.musicbrainz_server --port 8905``, then
``RECFEAT_MUSICBRAINZ_BASE_URL=http://127.0.0.1:8905``.
"""

import argparse
import re
from dataclasses import dataclass, field
from typing import Any

from recfeat_pipeline_tests.servers.loopback import LoopbackServer, Request, Response

HELP = "For usage, please see: https://musicbrainz.org/development/mmd"
MBID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass
class Album:
    number: int
    title: str
    artist: str
    year: int = 1970
    genres: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    annotation: str = ""

    @property
    def mbid(self) -> str:
        return f"{self.number:08x}-0000-4000-8000-{self.number:012x}"


def made_up_albums(n: int) -> list[Album]:
    """``n`` albums with distinct titles, artists and texts."""
    return [
        Album(
            number=100 + i,
            title=f"Songs of Number {i}",
            artist=f"The Numbers {i}",
            year=1960 + i % 60,
            genres=["rock"],
            tags=["rock", f"number {i}"],
            annotation=f"Recorded in a room with the number {i}.",
        )
        for i in range(n)
    ]


class MusicBrainzServer(LoopbackServer):
    """Knows the albums it is given. ``merged``: id → the id that it was merged into."""

    def __init__(self, albums: list[Album], **options: Any):
        super().__init__(**options)
        self.albums = albums
        self.merged: dict[str, str] = {}

    def route(self, request: Request) -> str:
        return "album" if request.path.count("/") > 3 else "search"

    def answer(self, request: Request) -> Response:
        if not request.headers.get("User-Agent", "").startswith("recfeat_pipeline/"):
            return _error(403, "Your request has been blocked: please set a meaningful User-Agent.")
        if request.query.get("fmt") != "json":
            return Response("<?xml version='1.0'?><metadata/>", 200, {"Content-Type": "text/xml"})
        match request.path.strip("/").split("/"):
            case ["ws", "2", "release-group"]:
                return self._search(request.query.get("query", ""), request.query)
            case ["ws", "2", "release-group", mbid]:
                if not MBID.fullmatch(mbid):
                    return _error(400, "Invalid mbid.")
                mbid = self.merged.get(mbid, mbid)
                for album in self.albums:
                    if album.mbid == mbid:
                        return Response(_release_group(album, request.query.get("inc", "")))
        return _error(404, "Not Found")

    def throttled(self) -> Response:
        return _error(
            503,
            "Your requests are exceeding the allowable rate limit. Please see "
            "http://wiki.musicbrainz.org/XMLWebService for more information.",
        )

    def _search(self, query: str, options: dict[str, str]) -> Response:
        """Lucene in small: ``releasegroup:"…" AND artist:"…"``; the words of either score."""
        wanted = dict(re.findall(r'(\w+):"((?:[^"\\]|\\.)*)"', query))
        words = {k: set(re.sub(r"\\(.)", r"\1", v).casefold().split()) for k, v in wanted.items()}
        found = []
        for album in self.albums:
            title, artist = album.title.casefold().split(), album.artist.casefold().split()
            if words["releasegroup"] & set(title) and words["artist"] & set(artist):
                score = len(words["releasegroup"] & set(title)) + len(words["artist"] & set(artist))
                found.append({**_release_group(album, "artist-credits"), "score": score})
        found.sort(key=lambda one: -one["score"])
        limit = int(options.get("limit", 25))
        return Response({"created": "2026-11-01T00:00:00Z", "count": len(found), "offset": 0,
                         "release-groups": found[:limit]})  # fmt: skip


def _release_group(album: Album, inc: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": album.mbid,
        "title": album.title,
        "first-release-date": f"{album.year}-05-21",
        "primary-type": "Album",
        "secondary-types": [],
        "disambiguation": "",
    }
    artist = {"id": album.mbid, "name": album.artist, "sort-name": album.artist}
    credit = {"name": album.artist, "joinphrase": "", "artist": artist}
    parts: dict[str, Any] = {
        "artist-credits": {"artist-credit": [credit]},
        "aliases": {"aliases": []},
        "genres": {"genres": [{"name": name, "count": 1} for name in album.genres]},
        "tags": {"tags": [{"name": name, "count": 9 - i} for i, name in enumerate(album.tags)]},
        "annotation": {"annotation": album.annotation},
    }
    for part in inc.split("+" if "+" in inc else " "):
        told |= parts.get(part, {})
    return told


def _error(status: int, message: str) -> Response:
    return Response({"error": message, "help": HELP}, status)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8905)
    MusicBrainzServer(
        made_up_albums(100), port=parser.parse_args().port, limit=1
    ).serve_forever_from_shell()
