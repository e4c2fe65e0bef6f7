"""``recfeat report``: the report, written again from the feature store."""

from pathlib import Path
from typing import Annotated

import typer

from recfeat_pipeline.commands.output import say
from recfeat_pipeline.errors import RecfeatError


def report(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Also write a copy here.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Write the report from the feature store as it is, and say where it lies.

    One HTML file that needs nothing else: mail it, print it, put it on a server.

    $ recfeat report --open
    $ recfeat report -o report.html
    """
    from recfeat_pipeline.commands.lakes import open_lake
    from recfeat_pipeline.defs.evaluation.provenance import collect_provenance
    from recfeat_pipeline.freshness import stamp
    from recfeat_pipeline.layout import REPORT
    from recfeat_pipeline.report.html import render_report
    from recfeat_pipeline.store import open_store, store_made_of

    settings = context.obj.settings
    lake = open_lake(settings)
    if lake.read_note("corpus") is None:
        raise RecfeatError(f"The lake {lake.root} holds no catalogue yet: run `recfeat run` first.")
    with open_store(lake) as store:
        page = render_report(store, collect_provenance(lake, store, settings))
        made_of = store_made_of(store)
    lake.write_bytes(REPORT, page.encode())
    stamp(lake, "report", made_of)
    path = lake.path(REPORT)
    if output:
        try:
            output.write_text(page, encoding="utf-8")
        except OSError as error:
            raise RecfeatError(
                f"Cannot write {output}: {error.strerror}; name a file in a folder that exists."
            ) from error
        say(str(output.resolve()))
    say(path)
    if show:
        typer.launch(path)
