"""The catalogue file: a small TOML that names tables and maps their columns."""

import codecs
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recfeat_pipeline.catalog.fetch import is_url
from recfeat_pipeline.catalog.formats.form import NAMES as FORM
from recfeat_pipeline.catalog.formats.form import Form
from recfeat_pipeline.catalog.likes import REPEATS, Likes
from recfeat_pipeline.catalog.splits import SHARED, SPLITS
from recfeat_pipeline.catalog.tables import did_you_mean
from recfeat_pipeline.catalog.types import SCORED, CorpusRules
from recfeat_pipeline.errors import RecfeatError

LIKES = ("positive_from", "not_rated", "kinds", "repeats")
# Section -> required keys, optional keys. A key of a table section names a column, but for `path`,
# those of FORM and those of LIKES.
KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "": (("name", "items", "interactions"), ("tags", "corpus", "scoring")),
    "items": (
        ("path", "id", "title"),
        ("year", "genres", "imdb_id", "tmdb_id", "document", "ids", *FORM),
    ),
    "interactions": (
        ("path", "user", "item"),
        ("rating", "count", "timestamp", "position", "split", "kind", *LIKES, *FORM),
    ),
    "tags": (("path", "item", "tag"), ("relevance", *FORM)),
    "scoring": ((), ("items",)),
    "corpus": (
        (),
        (
            "more_than_item_interactions", "min_user_interactions", "max_user_interactions",
            "split", "split_shares",
        ),
    ),
}  # fmt: skip


TABLES = ("items", "interactions", "tags")


@dataclass(frozen=True)
class CatalogSpec:
    """A checked catalogue file. Column maps go from our name to the file's column."""

    file: Path
    name: str
    paths: dict[str, str]  # table section -> path or URL
    forms: dict[str, Form]  # table section -> how its file is written
    columns: dict[str, dict[str, str]]  # table section -> our name -> column
    document: dict[str, str]  # label -> column, in prompt order
    ids: dict[str, str]  # what text sources find an item by ("isbn", "page") -> column
    likes: Likes
    rules: CorpusRules


def read_spec(file: Path) -> CatalogSpec:
    """Read and check a catalogue file; touches none of the tables it names.

    Raises:
        RecfeatError: not TOML, an unknown or missing key, a value of the wrong type.
    """
    try:
        source = file.read_text(encoding="utf-8-sig")
        spec = tomllib.loads(source)
    except UnicodeDecodeError as error:
        raise RecfeatError(f"{file} is not UTF-8 text; save it as UTF-8.") from error
    except OSError as error:
        raise RecfeatError(f"Cannot read {file}: {error.strerror}.") from error
    except tomllib.TOMLDecodeError as error:
        raise RecfeatError(f"{file} is not valid TOML: {error}.") from error

    _check_keys(file, source, "", spec)
    tables = [section for section in TABLES if section in spec]
    plain = [section for section in ("corpus", "scoring") if section in spec]
    for section in (*tables, *plain):
        if not isinstance(spec[section], dict):
            raise RecfeatError(f"{file}: {section} must be a section: [{section}].")
        _check_keys(file, source, section, spec[section])
    document, ids = (spec["items"].pop(key, {}) for key in ("document", "ids"))
    likes = {key: spec["interactions"].pop(key) for key in LIKES if key in spec["interactions"]}
    for section, values in (
        ("", {"name": spec["name"]}),
        ("items.document", document),
        ("items.ids", ids),
        *((section, spec[section]) for section in tables),
    ):
        _check_text(file, source, section, values)
    for section in tables:
        _check_form(file, source, section, spec[section])
    if {"rating", "count"} <= set(spec["interactions"]):
        place = _place(file, source, "interactions", "count")
        raise RecfeatError(f"{place}: name a rating or a count, not both.")
    return CatalogSpec(
        file=file,
        name=spec["name"].strip(),
        paths={section: _located(file, spec[section]["path"]) for section in tables},
        forms={section: Form.of(spec[section]) for section in tables},
        columns={
            section: {k: v for k, v in spec[section].items() if k not in ("path", *FORM)}
            for section in tables
        },
        document=document,
        ids=ids,
        likes=_likes(file, source, likes, spec["interactions"]),
        rules=_rules(file, source, spec.get("corpus", {}), spec.get("scoring", {})),
    )


def _located(file: Path, path: str) -> str:
    return path if is_url(path) else str(file.parent / Path(path).expanduser())


def _place(file: Path, source: str, section: str, key: str) -> str:
    """``catalog.toml, line 7, [items] "titel"``; without the line where it cannot be told."""
    inside, where = section == "", f"[{section}] {key!r}" if section else repr(key)
    for number, line in enumerate(source.splitlines(), 1):
        header = re.match(r"\s*\[([^\]]+)\]", line)
        if header:
            inside = header[1].strip() == section
            found = section == "" and header[1].strip().split(".")[0] == key
        else:
            found = inside and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line) is not None
        if found:
            return f"{file}, line {number}, {where}"
    return f"{file}, {where}"


def _check_keys(file: Path, source: str, section: str, values: dict[str, Any]) -> None:
    required, optional = KEYS[section]
    for key in values:
        if key not in required + optional:
            place = _place(file, source, section, key)
            raise RecfeatError(f"{place}: no such key; {did_you_mean(key, required + optional)}")
    for key in required:
        if key not in values:
            where = f"[{section}] lacks" if section else "lacks"
            raise RecfeatError(f"{file} {where} {key!r}; add it (see docs, 'A catalogue file').")


def _check_text(file: Path, source: str, section: str, values: dict[str, Any]) -> None:
    if not isinstance(values, dict):
        raise RecfeatError(f"{file}: [{section}] must be a section of label = column lines.")
    for key, value in values.items():
        may_be_blank = section in TABLES and key in ("delimiter", "quote")
        if not isinstance(value, str) or not (value.strip() or may_be_blank):
            place = _place(file, source, section, key)
            raise RecfeatError(f"{place}: must be text in quotation marks, not {value!r}.")


def _check_form(file: Path, source: str, section: str, values: dict[str, Any]) -> None:
    for key, fits, problem in (
        ("delimiter", lambda v: len(v.encode()) == 1, "must be a single character"),
        ("quote", lambda v: len(v.encode()) <= 1, 'must be a single character, or ""'),
        ("decimal", lambda v: v in (".", ","), 'must be "." or ","'),
        ("encoding", _is_encoding, 'names no encoding; "cp1252" and "utf-16" are such names'),
        ("date_format", lambda v: "%" in v, 'must be written as in "%d/%m/%Y"'),
    ):
        if key in values and not fits(values[key]):
            place = _place(file, source, section, key)
            raise RecfeatError(f"{place}: {values[key]!r} {problem}.")


def _is_encoding(name: str) -> bool:
    try:
        codecs.lookup(name)
    except LookupError:
        return False
    return True


def _likes(file: Path, source: str, values: dict[str, Any], columns: dict[str, str]) -> Likes:
    def is_number(value: Any) -> bool:
        return type(value) in (int, float)

    def is_list(value: Any, of: type | tuple[type, ...]) -> bool:
        return isinstance(value, list) and bool(value) and all(type(v) in of for v in value)  # type: ignore[operator]

    for key, fits, problem, needs in (
        ("positive_from", is_number, "must be a number", ("rating", "count")),
        ("not_rated", lambda v: is_list(v, (int, float)), "must be a list of numbers", ("rating",)),
        ("kinds", lambda v: is_list(v, (str,)), "must be a list of texts", ("kind",)),
        ("repeats", lambda v: v in REPEATS, f"must be one of {', '.join(REPEATS)}", ()),
    ):
        if key not in values:
            continue
        place = _place(file, source, "interactions", key)
        if not fits(values[key]):
            raise RecfeatError(f"{place}: {problem}, not {values[key]!r}.")
        if needs and not set(needs) & set(columns):
            raise RecfeatError(f"{place}: it needs the key {' or '.join(needs)} beside it.")
    lists = {key: tuple(v) for key, v in values.items() if isinstance(v, list)}
    return Likes(**(values | lists))


def _rules(file: Path, source: str, values: dict[str, Any], scoring: dict[str, Any]) -> CorpusRules:
    if (scored := scoring.get("items", SCORED[0])) not in SCORED:
        place = _place(file, source, "scoring", "items")
        raise RecfeatError(f"{place}: {scored!r} is none of {', '.join(SCORED)}.")
    for key, value in values.items():
        place = _place(file, source, "corpus", key)
        if key == "split":
            if value not in SPLITS:
                raise RecfeatError(f"{place}: {value!r} is none of {', '.join(SPLITS)}.")
        elif key == "split_shares":
            if not _are_shares(value):
                raise RecfeatError(
                    f"{place}: must be the shares of train, valid and test, three numbers above 0 "
                    f"that add up to 1, not {value!r}."
                )
            if values.get("split", SHARED[0]) not in SHARED:
                raise RecfeatError(
                    f"{place}: the split {values['split']!r} has no shares to set; only "
                    f"{' and '.join(SHARED)} have."
                )
        elif not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise RecfeatError(f"{place}: must be a whole number, 0 or more, not {value!r}.")
    if "split_shares" in values:
        values = {**values, "split_shares": tuple(map(float, values["split_shares"]))}
    rules = CorpusRules(**values, scored=scored)
    if rules.min_user_interactions > rules.max_user_interactions:
        raise RecfeatError(
            f"{file}, [corpus]: min_user_interactions ({rules.min_user_interactions}) is above "
            f"max_user_interactions ({rules.max_user_interactions}); no user could qualify."
        )
    return rules


def _are_shares(value: Any) -> bool:
    numbers = isinstance(value, list) and all(type(part) in (int, float) for part in value)
    return numbers and len(value) == 3 and min(value) > 0 and abs(sum(value) - 1) < 1e-6
