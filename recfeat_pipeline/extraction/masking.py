"""Documents that do not say which item they are about: names become neutral tokens.

For the question of what a model reads and what it remembers. Masked are the title, the people whom
fields list, the people credited in the text ("by …", "starring …") and, where the text says who
plays whom ("Woody (Tom Hanks)"), the characters. It goes by capitals and parentheses, so a name
that the text merely mentions stays: the probe bounds memory from above, it does not abolish it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import polars as pl

TITLE, PERSON, CHARACTER = "[title]", "[person]", "[character]"

_CAPITAL = r"[A-ZÀ-ÖØ-Þ](?:\.|[\w’'\-]+)"
_SEVERAL = rf"{_CAPITAL}(?:\s+(?:(?:de|la|del|der|di|van|von)\s+)*{_CAPITAL}){{1,3}}"
_PLAYED = re.compile(
    rf"({_CAPITAL}(?:\s+{_CAPITAL}){{0,3}})\s+\((?:voiced? ?:?(?: by)? |played by )?({_SEVERAL})\)"
)
_CREDITED = re.compile(
    rf"\b(?:by|starring|stars|featuring|voices of)\s+((?:{_SEVERAL}(?:,? and |, )?)+)"
)
_NAME = re.compile(_SEVERAL)
_SHORTEST_PART = 3  # letters of a part of a name that is masked on its own


def mask(documents: pl.DataFrame, name_labels: Sequence[str]) -> pl.DataFrame:
    """The documents with masked fields; those of ``name_labels`` are left out.

    Args:
        documents: at least ``title`` and ``fields`` of a DOCUMENTS frame.
        name_labels: labels of fields that list people.
    """
    dtype = documents.schema["fields"]
    rows = documents.select("title", "fields").iter_rows()
    masked = [_mask(title, fields, name_labels) for title, fields in rows]
    return documents.with_columns(fields=pl.Series(masked, dtype=dtype))


def _mask(
    title: str, fields: Sequence[Mapping[str, str]] | None, name_labels: Sequence[str]
) -> list[dict[str, str]]:
    fields = fields or []
    people = {name for f in fields if f["label"] in name_labels for name in f["text"].split(", ")}
    prose = [dict(field) for field in fields if field["label"] not in name_labels]
    characters = set()
    for field in prose:
        for character, actor in _PLAYED.findall(field["text"]):
            characters.add(character)
            people.add(actor)
        for names in _CREDITED.findall(field["text"]):
            people.update(_NAME.findall(names))
    tokens = {
        **dict.fromkeys(_parts(characters, 2), CHARACTER),
        **dict.fromkeys(_parts(people, 1), PERSON),
        **dict.fromkeys(_titles(title), TITLE),
    }
    longest_first = sorted(filter(None, tokens), key=len, reverse=True)
    if not longest_first:
        return prose
    known = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
    for field in prose:
        field["text"] = known.sub(lambda found: tokens[found[0]], field["text"])
    return prose


def _parts(names: Iterable[str], n_alone: int) -> Iterable[str]:
    """Each name, and of its last words so many alone: people go by the last, characters by two."""
    for name in names:
        yield name
        yield from (part for part in name.split()[-n_alone:] if len(part) >= _SHORTEST_PART)


def _titles(title: str) -> Iterable[str]:
    """The ways in which a text may write a title: without year, its article in front, in parts."""
    plain = re.sub(r"\s*\(\d{4}\)\s*$", "", title)
    for form in (plain, re.sub(r"\s*\([^()]*\)", "", plain), *re.findall(r"\(([^()]+)\)", plain)):
        yield form
        if moved := re.fullmatch(r"(.+), (The|A|An|Le|La|Les|L'|Il|El|Der|Die|Das)", form):
            yield from (f"{moved[2]} {moved[1]}", moved[1])
