"""Reading a TMDB record, of a film or of a series, which may hold anything.

Gross revenue, votes and popularity are in the record and become no text: they are what is to be
predicted.
"""

from typing import Any

from recfeat_pipeline.text.clean import plain

PARTS = {
    "movie": "credits,keywords,external_ids,release_dates,alternative_titles,translations,reviews",
    "tv": "credits,keywords,external_ids,content_ratings,alternative_titles,translations,reviews",
}
"""Kind of record → what one request brings beside the details."""
WRITING = ("Screenplay", "Writer", "Story", "Novel", "Characters", "Author")
ENGLISH = "en"


def is_series(record: dict[str, Any]) -> bool:
    """Whether the record is of a television series."""
    return "title" not in record and "name" in record


def texts_of(record: dict[str, Any], language: str = ENGLISH) -> list[tuple[str, str]]:
    """(label, text) pairs in document order; empty texts among them.

    Args:
        record: details with the parts of :data:`PARTS`.
        language: ISO 639-1 code of the overview and tagline, where they are translated.
    """
    crew = people(record, "crew")
    directors = join(p["name"] for p in crew if p.get("job") == "Director")
    creators = names(record.get("created_by"))
    keywords = part(record, "keywords")
    return [
        ("Genres", names(record.get("genres"))),
        ("Director", directors),
        ("Creator", creators),
        ("Writers", join(p["name"] for p in crew if p.get("job") in WRITING)),
        ("Cast", join(p["name"] for p in people(record, "cast"))),
        ("Keywords", names(keywords.get("keywords") or keywords.get("results"))),
        ("Certification", _certification(record)),
        ("Companies", names(record.get("production_companies"))),
        ("Networks", names(record.get("networks"))),
        ("Budget", _money(record.get("budget"))),
        ("Tagline", _translated(record, "tagline", language)[0]),
        ("Overview", _translated(record, "overview", language)[0]),
        ("Reviews", _reviews(record)),
    ]


def languages_of(record: dict[str, Any], language: str = ENGLISH) -> dict[str, str]:
    """Label → language of the texts that TMDB translates."""
    return {
        label: _translated(record, label.lower(), language)[1] for label in ("Tagline", "Overview")
    }


def evidence_of(record: dict[str, Any]) -> dict[str, Any]:
    """EVIDENCE columns that the record speaks of."""
    series = is_series(record)
    shown = [record.get("first_air_date" if series else "release_date")]
    shown += [release.get("release_date") for release in _releases(record)]
    years = [int(day[:4]) for day in shown if isinstance(day, str) and day[:4].isdigit()]
    crew = people(record, "crew")
    creators = [plain(p["name"]) for p in crew if p.get("job") == "Director"]
    creators += [plain(p.get("name")) for p in dicts(record.get("created_by"))]
    # a person's own writing of the name: "宮崎駿"
    originals = [plain(p.get("original_name")) for p in crew if p.get("job") == "Director"]
    return {
        "title": plain(record.get("name" if series else "title")),
        "other_titles": _other_titles(record),
        "years": sorted({years[0], min(years)}) if years else [],  # later ones: re-releases
        "creators": list(dict.fromkeys(name for name in [*creators, *originals] if name)),
        "imdb_id": imdb_id(record),
        "kind": "series" if series else "film",
    }


def imdb_id(record: dict[str, Any]) -> str | None:
    """The record's IMDb id."""
    return plain(record.get("imdb_id") or part(record, "external_ids").get("imdb_id")) or None


def part(record: dict[str, Any], name: str) -> dict[str, Any]:
    """An appended part; empty when it is absent or says that it failed."""
    value = record.get(name)
    return value if isinstance(value, dict) and value.get("success") is not False else {}


def dicts(value: Any) -> list[dict[str, Any]]:
    """The objects of a list that should hold objects."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def people(record: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Cast or crew with a name, in the order of billing."""
    found = dicts(part(record, "credits").get(kind))
    return sorted((p for p in found if plain(p.get("name"))), key=_billing)


def names(value: Any) -> str:
    """The names of a list of objects, joined."""
    return join(entry.get("name") for entry in dicts(value))


def join(texts: Any) -> str:
    """Distinct texts in one line."""
    return ", ".join(dict.fromkeys(text for text in map(plain, texts) if text))


def _billing(person: dict[str, Any]) -> float:
    order = person.get("order")
    return order if isinstance(order, int | float) else float("inf")


def _other_titles(record: dict[str, Any]) -> list[str]:
    """Original, alternative and translated titles."""
    others = part(record, "alternative_titles")
    titles = [record.get("original_title"), record.get("original_name")]
    titles += [o.get("title") for o in dicts(others.get("titles")) + dicts(others.get("results"))]
    for translation in dicts(part(record, "translations").get("translations")):
        data = part(translation, "data")
        titles += [data.get("title"), data.get("name")]
    return list(dict.fromkeys(title for title in map(plain, titles) if title))


def _translated(record: dict[str, Any], name: str, language: str) -> tuple[str, str]:
    """A text in a language, else the record's own, English as nothing else was asked for."""
    if language != ENGLISH:
        for translation in dicts(part(record, "translations").get("translations")):
            ours = translation.get("iso_639_1") == language
            if ours and (text := plain(part(translation, "data").get(name))):
                return text, language
    return plain(record.get(name)), ENGLISH


def _reviews(record: dict[str, Any]) -> str:
    """What people wrote, one after another; their ratings are not text."""
    reviews = dicts(part(record, "reviews").get("results"))
    return " ".join(text for review in reviews if (text := plain(review.get("content"))))


def _money(amount: Any) -> str:
    return f"${amount:,}" if isinstance(amount, int) and amount > 0 else ""


def _releases(record: dict[str, Any], country: str | None = None) -> list[dict[str, Any]]:
    return [
        release
        for entry in dicts(part(record, "release_dates").get("results"))
        if country in (None, entry.get("iso_3166_1"))
        for release in dicts(entry.get("release_dates"))
    ]


def _certification(record: dict[str, Any]) -> str:
    """The US rating; of a film's, that of the cinema release first (type 3)."""
    rated = [r for r in _releases(record, "US") if plain(r.get("certification"))]
    rated.sort(key=lambda release: release.get("type") != 3)
    if rated:
        return plain(rated[0]["certification"])
    for entry in dicts(part(record, "content_ratings").get("results")):
        if entry.get("iso_3166_1") == "US":
            return plain(entry.get("rating"))
    return ""
