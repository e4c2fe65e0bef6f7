"""``recfeat run``: drive the stages, then show what came out."""

from dataclasses import replace
from typing import Annotated

import typer

from recfeat_pipeline.commands.options import CatalogOption, SplitOption, VersionOption, integers
from recfeat_pipeline.commands.output import hint, say, stderr

STAGE_TITLES = {
    "catalog": "Reading the catalogue",
    "text": "Collecting texts, writing documents",
    "extraction": "Extracting features",
    "feature_store": "Building the feature store",
    "training": "Training and ranking",
    "evaluation": "Computing metrics and the report",
}
YesOption = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask before an extraction that costs much.")
]
BudgetOption = Annotated[
    float | None,
    typer.Option(
        min=0.01, metavar="USD", help="Stop the extraction before it has spent this many dollars."
    ),
]


def run(
    context: typer.Context,
    catalog: CatalogOption = None,
    split: SplitOption = None,
    prompt_version: VersionOption = None,
    arms: Annotated[
        str,
        typer.Option(
            metavar="ARMS",
            help="Arms by id, published label or section (`recfeat arms`), or a set of them: "
            "`default`, EASE and a trained two-tower beside it; `study`, the published two-tower.",
        ),
    ] = "default",
    seeds: Annotated[
        str, typer.Option(metavar="SEEDS", help="Seeds, comma-separated; fewer for a first look.")
    ] = "0,1,2,3,4",
    steps: Annotated[
        int | None, typer.Option(min=1, help="Training steps per arm; unset: by catalogue size.")
    ] = None,
    tune: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="TRIALS",
            help="Search each arm's settings on validation, so many candidates an arm, the same "
            "for all; the lake keeps to it. 0: the settings that the families ship. Unset: as "
            "this lake was run last.",
        ),
    ] = None,
    examples: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N",
            help="Requests that are bought of each arm that reorders, and training users whose "
            "candidates it orders for an arm that learns from it; the lake keeps to it. Unset: as "
            "this lake was run last, at first 500.",
        ),
    ] = None,
    until: Annotated[
        str, typer.Option(metavar="STAGE", help=f"Stop after: {', '.join(STAGE_TITLES)}.")
    ] = "evaluation",
    cold_start: Annotated[
        bool,
        typer.Option(
            "--cold-start", help="Also train each arm with items held back, and rank those."
        ),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Models trained at once; unset: RECFEAT_WORKERS, else by cores."),
    ] = None,
    pilot: Annotated[
        int | None,
        typer.Option(
            min=2, metavar="ITEMS",
            help="Buy so many items at random, say what they are worth, what the rest costs and "
            "takes and what effect the experiment could find, and stop.",
        ),
    ] = None,
    budget: BudgetOption = None,
    yes: YesOption = False,
) -> None:  # fmt: skip
    """Run the pipeline, from the catalogue to the report.

    Interrupt it whenever you like: calls in flight get ten seconds, what has arrived is kept and
    not bought again, and the same command continues. What has not changed since it was run last is
    not run again. The version it extracts with becomes the promoted one. Where no chosen arm reads
    LLM scores, nothing is extracted, unless --prompt-version or --until extraction asks for it.

    $ recfeat run
    $ recfeat run --catalog films.toml --pilot 100
    $ recfeat run --catalog films.toml --until extraction --budget 20
    $ recfeat run --arms ease,ease_genres
    $ recfeat run --arms ease,ease_llm,ease_random --seeds 0
    $ recfeat run --arms study
    $ recfeat run --arms tower,tower_llm,tower_random --tune 8
    $ recfeat run --arms ease,reranker --examples 500
    """
    from recfeat_pipeline.commands.domain import refuse_misfit
    from recfeat_pipeline.commands.driving import announce_cost, open_driver
    from recfeat_pipeline.commands.lakes import version_to_ask
    from recfeat_pipeline.commands.recorded import record
    from recfeat_pipeline.commands.tables import print_left_out, print_metrics, print_requests
    from recfeat_pipeline.defs.drive import Plan
    from recfeat_pipeline.errors import RecfeatError
    from recfeat_pipeline.layout import REPORT
    from recfeat_pipeline.migrations import open_lake
    from recfeat_pipeline.models.arms import resolve_arms

    command = record(context.obj.words)
    settings = context.obj.settings.but(
        catalog=catalog, split=split, llm_budget_usd=budget, workers=workers
    )
    lake = open_lake(settings.lake)
    version = version_to_ask(lake, prompt_version, settings.prompts)
    if pilot and version is None:
        raise RecfeatError(
            "The lake reads imported scores, so a pilot has nothing to ask: name a version with "
            "--prompt-version."
        )
    seed_list = integers("--seeds", seeds)
    until = "text" if pilot else until
    plan = Plan(version, resolve_arms(arms), seed_list, steps, until, cold=cold_start)
    unread = version is not None and not plan.reads(version, lake, settings.prompts)
    if unread and prompt_version is None and until != "extraction":
        plan = replace(plan, version=None)
    lake.open()
    if plan.until == "evaluation":
        lake.write_note("command", command)
    if tune is not None:
        lake.remember(tune=tune)
    if examples is not None:
        lake.remember(examples=examples)

    def announce(stage: str, runs: bool) -> None:
        hint(STAGE_TITLES[stage] + ("" if runs else ": nothing has changed"), style="bold")
        if plan.version is None:
            if stage == "extraction" and unread:
                hint("  No chosen arm reads scores, so none are asked for (--prompt-version does).")
            return
        if stage == "text":
            items, fields = lake.read("items"), lake.read("fields")
            asked, paid = prompt_version is not None, settings.has_llm
            if said := refuse_misfit(plan.version, items, fields, asked=asked, paid=paid):
                hint(f"  ! {said}.", style="yellow")
        if stage == "extraction" and runs:
            announce_cost(lake, plan.version, settings, yes)

    with open_driver(settings) as driver:
        driver.run(plan, announce)
    if pilot and version:
        from recfeat_pipeline.commands.pilot import pilot as buy_some

        buy_some(lake, version, settings, pilot, yes, len(seed_list))
        return
    if until != "evaluation":
        if until == "training":
            print_left_out(lake, {arm.id for arm in plan.arms})
        say(f"Stopped after {until}, as asked. Lake: {lake.root}")
        return
    print_metrics(lake)
    print_requests(lake)
    print_left_out(lake, {arm.id for arm in plan.arms})
    say(f"Report:  {lake.path(REPORT)}")
    say(f"Explore: RECFEAT_LAKE={lake.root} recfeat explore")
    if stderr().is_terminal:
        hint("`recfeat ui` shows every table and run; `recfeat status` what is stale.")
