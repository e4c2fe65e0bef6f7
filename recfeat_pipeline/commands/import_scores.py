"""``recfeat import-scores``: item scores that were made elsewhere, as a version."""

from pathlib import Path
from typing import Annotated

import typer

from recfeat_pipeline.commands.output import plural, say


def import_scores(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .parquet or .csv file: a row per score.")
    ],
    taxonomy: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE", help="What it scores: a taxonomy's name, or its .yaml file."
        ),
    ],
    name: Annotated[
        str, typer.Option(metavar="NAME", help="What the version is called.")
    ] = "imported-scores",
    item: Annotated[str, typer.Option(metavar="COLUMN", help="Of the item's id.")] = "item_id",
    dimension: Annotated[
        str, typer.Option(metavar="COLUMN", help="Of the dimension's name.")
    ] = "dimension",
    score: Annotated[
        str, typer.Option(metavar="COLUMN", help="Of the score, from 0 to 1.")
    ] = "score",
    promote: Annotated[
        bool,
        typer.Option(
            "--promote", help="Every arm of scores reads them; `recfeat run` then asks nothing."
        ),
    ] = False,
) -> None:
    """Import item scores that were made elsewhere, on a taxonomy of the project's or your own.

    They become a version beside those that a prompt version asked for. An arm reads them by their
    name: prompt_version = "NAME" in its [content]; with --promote every arm that names none does.
    A dimension that the file leaves out for an item is 0; an item without any row is not scored.

    $ recfeat import-scores scores.parquet --taxonomy genome132
    $ recfeat import-scores drafted.csv --taxonomy drafted.yaml --name drafted --item film_id
    $ recfeat import-scores scores.parquet --taxonomy genome132 --promote
    """
    from recfeat_pipeline.commands.driving import open_driver
    from recfeat_pipeline.commands.given import check_name, read_given
    from recfeat_pipeline.commands.lakes import open_lake
    from recfeat_pipeline.extraction.imported import import_scores, write_scores
    from recfeat_pipeline.taxonomy import load_taxonomy
    from recfeat_pipeline.taxonomy.read import read_taxonomy

    settings = context.obj.settings
    check_name(name, settings.prompts)
    scored = (
        read_taxonomy(Path(taxonomy))
        if taxonomy.endswith((".yaml", ".yml"))
        else load_taxonomy(taxonomy, settings.prompts)
    )
    lake = open_lake(settings)
    columns = {"item_id": item, "dimension": dimension, "score": score}
    known, unknown = read_given(file, columns, lake, "the scores to import")
    key, frame = import_scores(known, scored, name)
    write_scores(lake, key, scored, frame)
    if promote:
        lake.remember(promoted=key)
    with open_driver(settings) as driver:
        driver.build_store()
    n_items = frame["item_id"].n_unique()
    say(f"{key}: {plural(n_items, 'item')} scored on {len(scored.dimensions)} dimensions.")
    if unknown:
        say(f"{plural(unknown, 'row')} left out: no item of the catalogue.")
