"""``recfeat doctor``: whether everything is there that a run will need."""

from typing import Annotated

import typer

from recfeat_pipeline.commands.check import PROBLEMS
from recfeat_pipeline.commands.options import JsonOption
from recfeat_pipeline.commands.output import dump, plural, say, table


def doctor(
    context: typer.Context,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask no server: no endpoint, TMDB or Wikimedia.")
    ] = False,
    settings: Annotated[
        bool, typer.Option("--settings", help="Only list every setting, its value and meaning.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check versions, disk, lake, feature store, keys and endpoints.

    Each endpoint is asked one free question. Keys are never shown. Exits with 3 on a problem.

    $ recfeat doctor
    $ recfeat doctor --settings
    """
    from recfeat_pipeline.commands.diagnosis import diagnose, setting_rows

    if settings:
        rows = setting_rows(context.obj.settings)
        if as_json:
            dump(rows)
            return
        columns = dict.fromkeys(("variable", "value", "meaning"), "left")
        table(columns, [list(row.values()) for row in rows])
        return
    findings = diagnose(context.obj.settings, online=not offline)
    problems = [finding for finding in findings if finding.state == "problem"]
    if as_json:
        dump([finding._asdict() for finding in findings])
    else:
        columns = dict.fromkeys(("what", "state", "found", "what to do"), "left")
        table(columns, [(f.what, f.state, f.found, f.advice or None) for f in findings])
        say()
        say(f"{plural(len(problems), 'problem')}." if problems else "No problem found.")
    if problems:
        raise typer.Exit(PROBLEMS)
