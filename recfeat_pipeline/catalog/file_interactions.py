"""The [interactions] section of a catalogue file."""

import polars as pl

from recfeat_pipeline.catalog import clean
from recfeat_pipeline.catalog.file_times import read_times
from recfeat_pipeline.catalog.hashing import may_repeat
from recfeat_pipeline.catalog.likes import Likes, select_kinds, select_likes
from recfeat_pipeline.catalog.section import ROW, Section, select_known
from recfeat_pipeline.catalog.splits import PARTS, SPLIT_ORDER
from recfeat_pipeline.schemas import INTERACTIONS

LEFT_OUT = {"last": "test", "second_last": "valid"}
"""How leave-one-out files name what they hold out of each user."""


def read_interactions(
    section: Section, items: pl.DataFrame, items_section: Section, likes: Likes
) -> pl.DataFrame:
    """Interactions of known items; see :mod:`~recfeat_pipeline.catalog.files`.

    Raises:
        RecfeatError: a split of another name, a column that mostly does not parse, no known item.
    """
    raw = section.frame
    section.frame = raw.with_columns(
        user_id=clean.ids(raw["user"]),
        item_id=clean.ids_like(raw["item"], items["item_id"].dtype),
    )
    no_user, no_item = section.frame["user_id"].is_null(), ~clean.given(section.frame["item"])
    section.drop("interactions_without_id", no_user | no_item, "rows without user or item")
    select_kinds(section, likes)
    select_likes(section, likes)
    read_times(section)
    _splits(section)
    select_known(section, items.select("item_id"), "unknown_items", items_section)
    _drop_repeated(section, likes.repeats)
    return section.frame.select(INTERACTIONS.keys())


def _splits(section: Section) -> None:
    if "split" not in section.columns:
        section.frame = section.frame.with_columns(split=pl.lit(None, dtype=pl.String))
        return
    split = clean.text(section.frame["split"]).str.to_lowercase()
    split = split.set(~clean.given(split), None).replace(LEFT_OUT)
    wrong = section.frame.filter(~split.is_in(PARTS).fill_null(True))
    if wrong.height:
        value = wrong["split"][0]
        raise section.error(
            wrong, "split", f"{value!r} is none of {', '.join(PARTS)}; rename it in the file."
        )
    if split.null_count() < len(split):  # a column that names no split at all is none
        section.note(
            "interactions_without_split",
            section.frame.filter(split.is_null()),
            "rows without split read as train",
        )
        split = split.fill_null("train")
    section.frame = section.frame.with_columns(split=split)


def _drop_repeated(section: Section, kept: str) -> None:
    """Keep one row per (user, item): by split, untimed before timed, then by time and position."""
    pair = pl.struct("user_id", "item_id")
    some = may_repeat(section.frame["user_id"], section.frame["item_id"])
    repeated = section.frame.filter(some).filter(pair.is_duplicated())
    if repeated.is_empty():
        return
    order = pl.col("split").replace_strict(SPLIT_ORDER, default=0, return_dtype=pl.Int8)
    ranked = repeated.sort(order, "timestamp", "position", ROW)  # nulls first
    stays = pair.is_first_distinct() if kept == "first" else pair.is_last_distinct()
    extra = ranked.filter(~stays).sort(ROW)
    section.note(
        "repeated_interactions", extra, f"repeats of a (user, item) pair dropped, the {kept} kept"
    )
    section.frame = section.frame.filter(~pl.col(ROW).is_in(extra[ROW].implode()))
