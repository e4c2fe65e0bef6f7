"""A file of the user's that says something of the lake's items: read, and matched with them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from recfeat_pipeline.errors import RecfeatError

if TYPE_CHECKING:
    import polars as pl

    from recfeat_pipeline.lake import Lake


def check_name(name: str, prompts: str | None) -> None:
    """Refuse a name that cannot stand beside the prompt versions' names.

    Raises:
        RecfeatError: it is no name, or a prompt version's.
    """
    from recfeat_pipeline.extraction.prompts import NAME
    from recfeat_pipeline.extraction.versions import list_versions

    if not NAME.fullmatch(name) or name in list_versions(prompts):
        raise RecfeatError(
            f"--name {name!r}: use small letters, digits, '-', '_' and '.', and no prompt "
            "version's name."
        )


def read_given(
    file: Path, columns: Mapping[str, str], lake: "Lake", what: str
) -> tuple["pl.DataFrame", int]:
    """Rows of a file about items of the lake's catalogue.

    Args:
        file: Parquet or CSV.
        columns: what a column is called here, to what the file calls it; one is ``item_id``.
        lake: gives the items.
        what: the file holds, for errors.

    Returns:
        (the rows whose item is known, with ids as the catalogue has them; how many were not).

    Raises:
        RecfeatError: the file cannot be read, or knows no item.
    """
    import polars as pl

    from recfeat_pipeline.catalog.tables import read_table

    given = read_table(file, columns.values(), what).frame.select(**columns)
    items = lake.read("items")
    ids = pl.col("item_id").cast(items.schema["item_id"], strict=False)
    known = given.with_columns(ids).join(items, on="item_id", how="semi")
    if known.is_empty():
        raise RecfeatError(
            f"{file} names no item of this lake's catalogue in the column {columns['item_id']!r}: "
            "is it another catalogue's, or is the id in another column (--item)?"
        )
    return known, given.height - known.height
