"""A catalogue between its two assets: as lake files, and back."""

from dataclasses import asdict
from pathlib import Path

import polars as pl

from recfeat_pipeline.catalog.fetch import is_url
from recfeat_pipeline.catalog.formats import database
from recfeat_pipeline.catalog.spec import read_spec
from recfeat_pipeline.catalog.splits import SHARED, split_of
from recfeat_pipeline.catalog.types import Catalog, CorpusRules, Note
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings


def save_catalog(lake: Lake, catalog: Catalog) -> dict[str, pl.DataFrame]:
    """Write the catalogue's frames and notes; returns the frames by lake table."""
    are_text = {
        "item_id": catalog.items["item_id"].dtype == pl.String,
        "user_id": catalog.interactions["user_id"].dtype == pl.String,
    }
    lake.remember(ids=are_text)  # for tables without rows
    tags = pl.DataFrame(schema=lake.schema("tags")) if catalog.tags is None else catalog.tags
    frames = {
        "catalog_items": catalog.items,
        "fields": catalog.fields,
        "interactions": catalog.interactions,
        "tags": tags,
    }
    for name, frame in frames.items():
        lake.write(name, frame)
    if catalog.ids is not None:
        lake.write("item_ids", catalog.ids)
    notes = [asdict(note) for note in catalog.notes]
    about = {"source": catalog.source, "rules": asdict(catalog.rules), "notes": notes}
    lake.write_note("catalog", {"name": catalog.name, **about})
    return frames


def load_catalog(lake: Lake) -> Catalog:
    """The catalogue that :func:`save_catalog` wrote."""
    about = lake.read_note("catalog")
    tags = lake.read("tags")
    return Catalog(
        name=about["name"],
        items=lake.read("catalog_items"),
        fields=lake.read("fields"),
        interactions=_with_positions(lake.read("interactions")),
        tags=None if tags.is_empty() else tags,
        rules=CorpusRules(**about["rules"]),
        notes=tuple(
            Note(**{**note, "examples": tuple(note["examples"])}) for note in about["notes"]
        ),
        source=about["source"],
        ids=lake.read("item_ids") if lake.has("item_ids") else None,
    )


def refuse_other_content(lake: Lake, catalog: Catalog) -> None:
    """Keep another catalogue out that merely has the same name.

    A catalogue grows or is cut, but most ids of the smaller one are in the larger one.

    Raises:
        RecfeatError: most items of either are not in the other.
    """
    held = lake.read("catalog_items")
    if held.is_empty() or lake.meta.get("name") != catalog.name:  # which the name alone refuses
        return
    ids, new = held["item_id"], catalog.items["item_id"]
    stay = 0 if ids.dtype != new.dtype else int(ids.is_in(new.implode()).sum())
    if stay * 2 < min(len(ids), len(new)):
        raise RecfeatError(
            f"The lake {lake.root} holds another catalogue of the name {catalog.name!r}: of its "
            f"{len(ids):,} items only {stay:,} are in {catalog.source}. Give each catalogue a lake "
            "of its own (RECFEAT_LAKE); if this one's ids have changed, begin a new lake and copy "
            "responses/ into it: no answer is bought twice."
        )


def scored_of(lake: Lake) -> pl.DataFrame:
    """ITEMS that get features; the corpus, in a lake that was read before this was told apart."""
    items = lake.read("items")
    if not lake.has("scored"):
        return items.filter("in_corpus")
    return items.join(lake.read("scored"), on="item_id", how="semi", maintain_order="left")


def _with_positions(interactions: pl.DataFrame) -> pl.DataFrame:
    """Interactions of a lake that was read before catalogues could give positions."""
    if "position" in interactions.columns:
        return interactions
    return interactions.with_columns(position=pl.lit(None, dtype=pl.Int64))


def asked_catalog(lake: Lake, settings: Settings) -> tuple[str | None, str | None]:
    """Path and split of the catalogue: as the settings have them, else as the lake was read last.

    No path is the embedded catalogue, no split the catalogue's own.
    """
    given = settings.catalog
    path = str(Path(given).expanduser().resolve()) if given else lake.meta.get("catalog")
    return path, settings.split or lake.meta.get("split")


def source_files(catalog: str | None) -> list[Path]:
    """The user's files that a catalogue is read from; none for the embedded one."""
    return [Path(place) for place in _places(catalog) if not is_url(place)]


def may_change_unseen(catalog: str | None) -> bool:
    """Whether a part of it may be another although its file is not.

    That is so at a URL, and in a database, whose log and what its views read lie elsewhere.
    """
    places = _places(catalog)
    return any(is_url(place) or Path(place).suffix in database.SUFFIXES for place in places)


def _places(catalog: str | None) -> list[str]:
    if catalog is None:
        return []
    place = Path(catalog)
    if place.is_dir():
        return sorted(map(str, place.glob("*.csv")))
    try:
        return [catalog, *read_spec(place).paths.values()]
    except RecfeatError:  # it cannot be read any more, which is a change
        return [catalog]


def refuse_other_split(lake: Lake, catalog: Catalog) -> None:
    """Keep ranks of two splits apart: their examples are numbered alike and are not the same.

    Raises:
        RecfeatError: the lake holds models that were made under another split.
    """
    held = lake.read_note("corpus")
    if held is None or not lake.has("ranks"):
        return
    split, shares = split_of(catalog), list(catalog.rules.split_shares)
    of_split = held["split"]
    if split == of_split and split in SHARED:
        split, of_split = (f"{split} {part}" for part in (shares, held.get("split_shares", shares)))
    if split != of_split:
        raise RecfeatError(
            f"The lake {lake.root} holds models of the split {of_split}, not {split}. Give each "
            "split a lake of its own (RECFEAT_LAKE; copy responses/ into it, and no answer is "
            "bought twice), or delete runs/ in this one."
        )
