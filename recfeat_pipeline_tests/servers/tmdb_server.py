"""TMDB's version 3 API on the loopback, after https://developer.themoviedb.org (docs, errors).

By hand: ``python -m recfeat_pipeline_tests.servers.tmdb_server --data ../shared/data --port 8902``,
then ``RECFEAT_TMDB_BASE_URL=http://127.0.0.1:8902 TMDB_API_KEY=loopback``.
"""

import argparse
from datetime import UTC, date, datetime, timedelta
from typing import Any

from recfeat_pipeline_tests.servers.films import Film, films_of_folder
from recfeat_pipeline_tests.servers.loopback import LoopbackServer, Request, Response

ERRORS = {  # status_code: (HTTP status, message), as documented
    3: (401, "Authentication failed: You do not have permissions to access the service."),
    5: (422, "Invalid parameters: Your request parameters are incorrect."),
    6: (404, "Invalid id: The pre-requisite id is invalid or not found."),
    7: (401, "Invalid API key: You must be granted a valid key."),
    9: (503, "Service offline: This service is temporarily offline, try again later."),
    10: (401, "Suspended API key: Access to your account has been suspended, contact TMDB."),
    11: (500, "Internal error: Something went wrong, contact TMDB."),
    20: (422, "Invalid date range: Should be a range no longer than 14 days."),
    22: (400, "Invalid page: Pages start at 1 and max at 500. They are expected to be an integer."),
    23: (400, "Invalid date: Format needs to be YYYY-MM-DD."),
    24: (504, "Your request to the backend server timed out. Try again."),
    25: (429, "Your request count (#) is over the allowed limit of (40)."),
    27: (400, "Too many append to response objects: The maximum number of remote calls is 20."),
    34: (404, "The resource you requested could not be found."),
    43: (502, "Couldn't connect to the backend server."),
    46: (503, "The API is undergoing maintenance. Try again later."),
}
PAGE_SIZE = 100
KEY = "loopback"


class TmdbServer(LoopbackServer):
    """Knows the films it is given; accepts ``keys`` as ``api_key`` or bearer token."""

    def __init__(self, films: list[Film], keys: tuple[str, ...] = (KEY,), **options: Any):
        super().__init__(**options)
        self.films = {film.tmdb_id: film for film in films}
        self.keys = set(keys)
        self.changes: list[tuple[date, int]] = []
        self.error_code = 11  # of the fault "error"
        self.lacking: dict[int, set[str]] = {}  # film -> parts that its answers lack

    def change(self, tmdb_id: int, day: date | None = None, **updates: object) -> None:
        """Edit a film and name it in the change feed."""
        self.films[tmdb_id] = self.films[tmdb_id].changed(**updates)
        self.changes.append((day or datetime.now(UTC).date(), tmdb_id))

    def route(self, request: Request) -> str:
        parts = request.path.strip("/").split("/")
        if parts[:1] == ["3"] and parts[1] in ("movie", "tv"):
            return "changes" if parts[2:] == ["changes"] else parts[1]
        return parts[1] if len(parts) > 1 else request.path

    def answer(self, request: Request) -> Response:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not self.keys & {bearer, request.query.get("api_key")}:
            return _error(7)
        match request.path.strip("/").split("/"):
            case ["3", "movie" | "tv" as kind, "changes"]:
                return self._changes(kind, request.query)
            case ["3", "movie" | "tv" as kind, tmdb_id] if tmdb_id.isdigit():
                return self._record(kind, int(tmdb_id), request.query)
            case ["3", "find", external_id]:
                return self._find(external_id, request.query)
        return _error(34)

    def throttled(self) -> Response:
        return _error(25)

    def broken(self) -> Response:
        return _error(self.error_code)

    def _record(self, kind: str, tmdb_id: int, query: dict[str, str]) -> Response:
        film = self.films.get(tmdb_id)
        if film is None or film.kind != kind:
            return _error(34)
        parts = [part for part in query.get("append_to_response", "").split(",") if part]
        if len(parts) > 20:
            return _error(27)
        body = _details(film) | {"id": tmdb_id}
        appended = _appended(film)
        lacking = self.lacking.get(tmdb_id, set())
        body |= {part: appended[part] for part in parts if part in appended.keys() - lacking}
        return Response(body)

    def _find(self, external_id: str, query: dict[str, str]) -> Response:
        if query.get("external_source") != "imdb_id":
            return _error(5)
        found = [film for film in self.films.values() if film.imdb_id == external_id]
        results = {
            kind: [{"id": f.tmdb_id, "overview": f.overview, "media_type": kind, "popularity": 1.0}
                   for f in found if f.kind == kind]
            for kind in ("movie", "tv")
        }  # fmt: skip
        return Response(
            {
                "movie_results": results["movie"],
                "person_results": [],
                "tv_results": results["tv"],
                "tv_episode_results": [],
                "tv_season_results": [],
            }
        )

    def _changes(self, kind: str, query: dict[str, str]) -> Response:
        today = datetime.now(UTC).date()
        try:
            end = date.fromisoformat(query.get("end_date", str(today)))
            start = date.fromisoformat(query.get("start_date", str(end - timedelta(days=1))))
        except ValueError:
            return _error(23)
        if (end - start).days > 14:
            return _error(20)
        page = query.get("page", "1")
        if not page.isdigit() or not 1 <= int(page) <= 500:
            return _error(22)
        named = {tmdb_id for day, tmdb_id in self.changes if start <= day <= end}
        others = {film.tmdb_id for film in self.films.values() if film.kind != kind}
        ids = sorted(named - others)
        first = (int(page) - 1) * PAGE_SIZE
        return Response(
            {
                "results": [{"id": i, "adult": False} for i in ids[first : first + PAGE_SIZE]],
                "page": int(page),
                "total_pages": -(-len(ids) // PAGE_SIZE),
                "total_results": len(ids),
            }
        )


def _error(code: int) -> Response:
    status, message = ERRORS[code]
    return Response({"success": False, "status_code": code, "status_message": message}, status)


def _details(film: Film) -> dict[str, Any]:
    if film.kind == "tv":
        return _series(film)
    return {
        "adult": False,
        "backdrop_path": None,
        "belongs_to_collection": None,
        "budget": 1_000_000 + film.tmdb_id,
        "genres": [{"id": 10 + i, "name": name} for i, name in enumerate(film.genres)],
        "homepage": "",
        "id": film.tmdb_id,
        "imdb_id": film.imdb_id,
        "original_language": "en",
        "original_title": film.title,
        "overview": film.overview,
        "popularity": 12.3,
        "poster_path": None,
        "production_companies": [
            {"id": 1, "logo_path": None, "name": "Loopback Pictures", "origin_country": "US"}
        ],
        "production_countries": [{"iso_3166_1": "US", "name": "United States of America"}],
        "release_date": f"{film.year}-06-15",
        "revenue": 987_654_321,
        "runtime": 100,
        "spoken_languages": [{"iso_639_1": "en", "name": "English"}],
        "status": "Released",
        "tagline": film.tagline,
        "title": film.title,
        "video": False,
        "vote_average": 7.1,
        "vote_count": 1234,
    }


def _series(film: Film) -> dict[str, Any]:
    return {
        "id": film.tmdb_id,
        "name": film.title,
        "original_name": film.title,
        "first_air_date": f"{film.year}-06-15",
        "created_by": [{"id": 5, "name": name} for name in film.directors],
        "genres": [{"id": 10 + i, "name": name} for i, name in enumerate(film.genres)],
        "networks": [{"id": 1, "name": "Loopback Television"}],
        "number_of_seasons": 2,
        "overview": film.overview,
        "tagline": film.tagline,
        "popularity": 12.3,
        "vote_average": 7.1,
        "vote_count": 1234,
    }


def _appended(film: Film) -> dict[str, Any]:
    person = {"adult": False, "gender": 0, "profile_path": None, "popularity": 1.0}
    return {
        "credits": {
            "cast": [
                {**person, "id": 1000 + i, "name": name, "character": f"Role {i}", "order": i}
                for i, name in enumerate(film.cast)
            ],
            "crew": [
                {**person, "id": 2000 + i, "name": name, "department": "Directing",
                 "job": "Director"}
                for i, name in enumerate(film.directors)
            ]
            + [{**person, "id": 3000, "name": "Wendy Writer", "department": "Writing",
                "job": "Screenplay"}],
        },
        "keywords": {
            "keywords" if film.kind == "movie" else "results": [
                {"id": i, "name": name} for i, name in enumerate(film.keywords)
            ]
        },
        "alternative_titles": {
            "titles" if film.kind == "movie" else "results": [
                {"iso_3166_1": "FR", "title": title, "type": ""} for title in film.other_titles
            ]
        },
        "translations": {
            "translations": [
                {"iso_639_1": code, "iso_3166_1": code.upper(), "english_name": code,
                 "data": {"title": film.title, "overview": overview, "tagline": ""}}
                for code, overview in film.translations.items()
            ]
        },
        "reviews": {
            "page": 1,
            "results": [
                {"id": str(i), "author": "somebody", "content": text,
                 "author_details": {"rating": 9}}
                for i, text in enumerate(film.reviews)
            ],
            "total_pages": 1,
            "total_results": len(film.reviews),
        },
        "content_ratings": {"results": [{"iso_3166_1": "US", "rating": "TV-14"}]},
        "external_ids": {"imdb_id": film.imdb_id, "wikidata_id": film.qid, "facebook_id": None},
        "release_dates": {
            "results": [
                {"iso_3166_1": "DE", "release_dates": [
                    {"certification": "12", "release_date": f"{film.year}-09-01T00:00:00.000Z",
                     "type": 3}]},
                {"iso_3166_1": "US", "release_dates": [
                    {"certification": "", "release_date": f"{film.year}-05-01T00:00:00.000Z",
                     "type": 1},
                    {"certification": "PG-13", "release_date": f"{film.year}-06-15T00:00:00.000Z",
                     "type": 3}]},
            ]
        },
    }  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="the shared data folder; without it, made-up films")
    parser.add_argument("--port", type=int, default=8902)
    arguments = parser.parse_args()
    server = TmdbServer(films_of_folder(arguments.data), port=arguments.port, limit=40)
    server.serve_forever_from_shell()
