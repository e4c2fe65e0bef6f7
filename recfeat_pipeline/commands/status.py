"""``recfeat status``: what is fresh, stale, missing or failed, and what was spent."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from recfeat_pipeline.commands.check import PROBLEMS
from recfeat_pipeline.commands.options import JsonOption
from recfeat_pipeline.commands.output import dollars, dump, hint, number, say, table

if TYPE_CHECKING:
    from recfeat_pipeline.commands.freshness import State

UNFINISHED = ("stale", "missing", "failed", "interrupted")


def status(
    context: typer.Context,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 3 when something is not fresh.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what is fresh, stale, missing or failed, per stage, prompt version and arm.

    Reads the lake and the feature store, and nothing else; sends nothing.

    $ recfeat status
    $ recfeat status --exit-code || recfeat run
    """
    from recfeat_pipeline.commands.freshness import examine
    from recfeat_pipeline.commands.lakes import open_lake
    from recfeat_pipeline.guard import suspicious

    settings = context.obj.settings
    lake = open_lake(settings)
    found = examine(lake, settings)
    states = {part.state for parts in (found.stages, found.versions, found.runs) for part in parts}
    held = sorted(suspicious(lake))
    unfinished = sorted(states & set(UNFINISHED)) + ["suspicious"] * bool(held)
    if as_json:
        dump({**asdict(found), "lake": lake.root, "problems": unfinished})
    else:
        say(f"{lake.meta.get('name', 'no catalogue yet')} in {lake.root}", style="bold")
        show(found)
        for stage in held:
            say(f"A suspicious day of the {stage} is set aside, and yesterday's serves until you "
                "decide: `recfeat text days`.", style="yellow")  # fmt: skip
        if not unfinished:
            say("Everything is fresh.", style="green")
        elif not held:
            hint("`recfeat run` with the same options brings everything up to date.")
            if any(version.failed for version in found.versions):
                hint("Calls that failed it asks again with RECFEAT_LLM_RETRY_FAILED=1 alone.")
    if exit_code and unfinished:
        raise typer.Exit(PROBLEMS)


def show(found: "State") -> None:
    """The state for people."""
    columns = dict.fromkeys(("stage", "state", "what there is"), "left")
    table(columns, [(stage.name, stage.state, stage.detail) for stage in found.stages])
    if found.versions:
        say()
        table(
            {
                "prompt version": "left", "state": "left", "items": "right", "calls": "right",
                "answered": "right", "failed": "right", "not asked": "right", "spent": "right",
                "": "left",
            },
            [
                (
                    version.key,
                    version.state,
                    number(version.items),
                    number(version.calls),
                    number(version.answered),
                    number(version.failed),
                    number(version.missing),
                    dollars(version.cost_usd),
                    version.detail or ("promoted" if version.promoted else None),
                )
                for version in found.versions
            ],
        )  # fmt: skip
    if found.runs:
        say()
        table(
            {"arm": "left", "seed": "right", "state": "left", "steps": "right", "": "left"},
            [
                (run.arm, run.seed, run.state, number(run.steps), run.detail or None)
                for run in found.runs
            ],
        )
    say()
    say(
        f"Spent {dollars(found.spent_usd)} on {number(found.calls)} calls, "
        f"{number(found.prompt_tokens)} tokens in and {number(found.completion_tokens)} out."
    )
    if found.unpriced_calls:
        say(f"{number(found.unpriced_calls)} of them have no known price and are not counted.")
