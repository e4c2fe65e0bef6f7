"""Features in the store, as the commands about one item read them."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.store import open_store

READER_WAIT = 15.0  # seconds for a run that is just writing a table


@contextmanager
def open_features(lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """The feature store, to read.

    Raises:
        RecfeatError: it is not there, or lacks a table that a read asks for.
    """
    with open_store(lake, wait_seconds=READER_WAIT) as store:
        try:
            yield store
        except duckdb.CatalogException as error:
            raise RecfeatError(
                f"The feature store of {lake.root} is not built yet "
                f"({str(error).splitlines()[0]}): run `recfeat run --until feature_store`."
            ) from error


def stored_version(store: duckdb.DuckDBPyConnection, lake: Lake, wanted: str | None) -> str:
    """The key of the version to read: the newest of a name, a key itself, else the promoted one.

    Raises:
        RecfeatError: the store holds no scores of it.
    """
    rows = store.execute(
        "SELECT version FROM features.item_features GROUP BY version ORDER BY max(generated_at)"
    ).fetchall()
    held = [key for (key,) in rows]
    asked = wanted or lake.meta.get("promoted", "")
    found = [key for key in held if asked in (key, key.partition("@")[0])]
    if found:
        return found[-1]
    if not wanted and len(held) == 1:
        return held[0]
    there = f"there are {', '.join(held)}" if held else "there are none"
    raise RecfeatError(
        f"The feature store holds no scores of {asked or 'a promoted version'}; {there}. Name one "
        "with --prompt-version, or extract with `recfeat backfill`."
    )


def scores_of(store: duckdb.DuckDBPyConnection, version: str, item_id: int | str) -> pl.DataFrame:
    """``group, dimension, score, model, generated_at`` of an item, in taxonomy order."""
    return store.sql(
        """SELECT f."group", f.dimension, f.score, f.model, f.generated_at
           FROM features.item_features AS f
           JOIN features.dimensions AS d USING (version, dimension)
           WHERE f.version = $version AND f.item_id = $item_id ORDER BY d.position""",
        params={"version": version, "item_id": item_id},
    ).pl()


def print_fingerprint(scores: pl.DataFrame, least: float) -> None:
    """One line per group, the strongest dimension first."""
    from recfeat_pipeline.commands.output import say, table
    from recfeat_pipeline.extraction.fingerprint import fingerprint

    strongest = fingerprint(scores, least)
    if strongest.is_empty():
        say(f"No score reaches {least}: its text names nothing that the taxonomy scores.")
        return
    groups = strongest.group_by("group", maintain_order=True)
    lines = groups.agg(text=pl.format("{} {}", "dimension", pl.col("score").round(1)))
    table(
        {"group": "left", "strongest": "left"},
        [(group, ", ".join(text).replace(" 0.", " .")) for group, text in lines.iter_rows()],
    )
