"""``recfeat import-profiles``: item profiles that were written elsewhere, as a version."""

from pathlib import Path
from typing import Annotated

import typer

from recfeat_pipeline.commands.output import hint, plural, say


def import_profiles(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .parquet or .csv file.")],
    name: Annotated[
        str, typer.Option(metavar="NAME", help="What the version is called.")
    ] = "imported",
    item: Annotated[str, typer.Option(metavar="COLUMN", help="Of the item's id.")] = "item_id",
    profile: Annotated[str, typer.Option(metavar="COLUMN", help="Of the text.")] = "profile",
    tags: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Of tags, a list or comma-separated; unset: none."),
    ] = None,
) -> None:
    """Import item profiles that were written elsewhere, and make a vector of each.

    They become a profile version, beside those that a prompt version asked for, in the feature
    store's features.item_profiles. RECFEAT_EMBEDDING_MODEL says what makes the vectors.

    $ recfeat import-profiles profiles.parquet
    $ recfeat import-profiles texts.csv --name mine --item film_id --profile text
    """
    import polars as pl

    from recfeat_pipeline.commands.driving import open_driver
    from recfeat_pipeline.commands.given import check_name, read_given
    from recfeat_pipeline.commands.lakes import open_lake
    from recfeat_pipeline.extraction.embeddings import choose_embedder
    from recfeat_pipeline.extraction.profiles import import_profiles, write_profiles

    settings = context.obj.settings
    check_name(name, settings.prompts)
    lake = open_lake(settings)
    columns = {"item_id": item, "profile": profile} | ({"tags": tags} if tags else {})
    known, unknown = read_given(file, columns, lake, "the profiles to import")
    if tags and known.schema["tags"] == pl.String:
        parts = (
            pl.col("tags").fill_null("").str.split(",").list.eval(pl.element().str.strip_chars())
        )
        known = known.with_columns(tags=parts)
    hint(f"Embedding {plural(known.height, 'profile')}")
    frame = import_profiles(known, name, lake, choose_embedder(settings))
    write_profiles(lake, frame)
    with open_driver(settings) as driver:
        driver.build_store()
    key, width = frame["prompt_version"][0], len(frame["vector"][0])
    say(f"{key}: {plural(frame.height, 'item')} with profiles, {width} numbers each.")
    if left := unknown + known.height - frame.height:
        say(f"{plural(left, 'row')} left out: no item of the catalogue, or no text.")
