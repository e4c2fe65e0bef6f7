"""What the user says about items' pages: a file beside the catalogue.

::

    [[item]]
    id = "1"
    title = "Toy Story (1995)"     # for people
    wikipedia = "Toy Story"        # the source's page: a title, an id
    not = ["https://en.wikipedia.org/wiki/Toy"]   # pages that are not this item
"""

import json
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake

PINNED = "pinned_"  # + source: the column that sources read
SAID = "you said that this page is not the item"


@dataclass(frozen=True)
class Override:
    """One item's pages, and the pages that are not its own."""

    item_id: str
    title: str = ""
    pages: Mapping[str, str] = field(default_factory=dict)  # source -> page
    excluded: tuple[str, ...] = ()  # urls


def overrides_path(lake: Lake) -> Path:
    """Where the file lies: beside the catalogue, or in the lake's state for the embedded one."""
    catalog = lake.meta.get("catalog")
    if not catalog:
        return lake.state / "text.toml"
    place = Path(catalog)
    return place / "text.toml" if place.is_dir() else place.with_suffix(".text.toml")


def read_overrides(path: Path, sources: Collection[str]) -> dict[str, Override]:
    """Item id → override; none where there is no file.

    Raises:
        RecfeatError: the file is no TOML, or says something that nothing reads.
    """
    if not path.is_file():
        return {}
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecfeatError(f"{path} is not valid TOML: {error}.") from error
    if unknown := sorted(told.keys() - {"item"}):
        raise RecfeatError(f"{path}: nothing reads {unknown[0]!r}; write [[item]] for each item.")
    rows, found = told.get("item", []), dict[str, Override]()
    for number, row in enumerate(rows if isinstance(rows, list) else [rows], 1):
        override = _override(path, number, row, sources)
        if override.item_id in found:
            raise RecfeatError(
                f"{path}, [[item]] {number}: item {override.item_id} stands above as well; say all "
                "about it in one place."
            )
        found[override.item_id] = override
    return found


def _override(path: Path, number: int, row: Any, sources: Collection[str]) -> Override:
    where = f"{path}, [[item]] {number}"
    if not isinstance(row, dict) or "id" not in row:
        raise RecfeatError(f'{where}: it does not say which item: add id = "…".')
    pages = {key: value for key, value in row.items() if key not in ("id", "title", "not")}
    if unknown := sorted(set(pages) - set(sources)):
        raise RecfeatError(f"{where}: {unknown[0]!r} is no text source: {', '.join(sources)}.")
    excluded = row.get("not", [])
    texts = [*pages.values(), *(excluded if isinstance(excluded, list) else [None])]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise RecfeatError(f"{where}: a page is text in quotation marks, `not` a list of them.")
    return Override(str(row["id"]), str(row.get("title", "")), pages, tuple(excluded))


def write_override(path: Path, known: Mapping[str, Override], new: Override) -> None:
    """Add what is new about an item to the file; it takes back what it contradicts."""
    old = known.get(new.item_id, Override(new.item_id))
    pages = {
        source: page
        for source, page in old.pages.items()
        if not any(_is_at(page, url) for url in new.excluded)
    }
    excluded = [
        url for url in old.excluded if not any(_is_at(page, url) for page in new.pages.values())
    ]
    merged = replace(
        new,
        pages={**pages, **new.pages},
        excluded=tuple(dict.fromkeys([*excluded, *new.excluded])),
    )
    lines = []
    for override in {**known, new.item_id: merged}.values():
        entries: dict[str, Any] = {"id": override.item_id, "title": override.title}
        entries |= dict(sorted(override.pages.items()))
        entries |= {"not": list(override.excluded)} if override.excluded else {}
        told = [f"{key} = {_toml(value)}" for key, value in entries.items()]
        lines += ["[[item]]", *told, ""]
    path.write_text("\n".join(lines), encoding="utf-8")


def offered_page(given: str, urls: Iterable[str]) -> str | None:
    """The address among those offered that somebody means, however it is written."""
    place = _place(given)
    for url in urls:
        titled = rf"{re.escape(_place(url))}-[^/]*" if url[-1:].isdigit() else None
        if place == _place(url) or (titled and re.fullmatch(titled, place)):  # movie/593-solaris
            return url
    return None


def _is_at(page: str, url: str) -> bool:
    """Whether a page, by its title, id or address, is the one at an address."""
    return f"/{_place(url)}".endswith(f"/{_place(page)}")


def _place(page: str) -> str:
    """What tells pages apart: no protocol, no mobile host, no anchor, no escapes."""
    text = unquote(page.strip()).partition("#")[0].rstrip("/").replace("_", " ")
    return (
        re.sub(r"^(https?://)?(www\.)?", "", text)
        .replace(".m.wikipedia.", ".wikipedia.")
        .casefold()
    )


def _toml(value: Any) -> str:
    """A text or a list of texts; TOML's basic strings are escaped as JSON's are."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def with_pins(items: pl.DataFrame, overrides: Mapping[str, Override]) -> pl.DataFrame:
    """Items with a column for every source that some item's page is pinned for."""
    of_source: dict[str, dict[str, str]] = {}
    for override in overrides.values():
        for source, page in override.pages.items():
            of_source.setdefault(source, {})[override.item_id] = page
    item_id = pl.col("item_id").cast(pl.String)
    return items.with_columns(
        item_id.replace_strict(pages, default=None, return_dtype=pl.String).alias(PINNED + source)
        for source, pages in of_source.items()
    )


def excluded_pages(
    items: pl.DataFrame, overrides: Mapping[str, Override]
) -> dict[tuple[Any, str], str]:
    """(item id, url) → why it is left out, of these items."""
    return {
        (item_id, url): SAID
        for item_id in items["item_id"]
        if (override := overrides.get(str(item_id)))
        for url in override.excluded
    }


def strangers(items: pl.DataFrame, overrides: Mapping[str, Override]) -> list[str]:
    """Ids of which something is said and that no item has."""
    return sorted(overrides.keys() - set(items["item_id"].cast(pl.String)))
