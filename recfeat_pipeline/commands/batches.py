"""``recfeat batches``: what is under way at a Batch API, and giving up what is lost."""

from typing import Annotated

import typer

from recfeat_pipeline.commands.output import number, plural, say, table


def batches(
    context: typer.Context,
    abandon: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Give this one up: its calls may be asked again. What it may have cost stays "
            "counted.",
        ),
    ] = None,
) -> None:
    """List the batches under way.

    `recfeat backfill`, `recfeat run` and the sensor `collect_finished_batches` collect what has
    been answered. One that its endpoint no longer knows (another key, project or address) waits
    until that is set back, or it is given up.

    $ recfeat batches
    """
    from recfeat_pipeline.commands.lakes import open_lake
    from recfeat_pipeline.extraction.backends.batch import abandon as give_up
    from recfeat_pipeline.extraction.batches import OPEN, load_all

    lake = open_lake(context.obj.settings)
    if abandon:
        gone = give_up(lake, abandon)
        say(
            f"Batch {gone.name} is given up; its {plural(gone.n_calls, 'call')} may be asked again."
        )
        return
    still = [batch for batch in load_all(lake) if batch.status in OPEN]
    if not still:
        say("No batch is under way.")
        return
    table(
        {"batch": "left", "version": "left", "model": "left", "calls": "right", "stands": "left",
         "handed over at": "left"},
        [(b.name, b.version, b.model, number(b.n_calls), b.status, b.base_url or "files")
         for b in still],
    )  # fmt: skip
