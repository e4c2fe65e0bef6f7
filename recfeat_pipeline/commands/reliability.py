"""``recfeat reliability``: how far the scores of a prompt version can be trusted."""

from typing import TYPE_CHECKING, Annotated

import typer

from recfeat_pipeline.commands.options import JsonOption, VersionOption
from recfeat_pipeline.commands.output import dump, hint, number, plural, say, share, table
from recfeat_pipeline.commands.run import BudgetOption, YesOption
from recfeat_pipeline.errors import RecfeatError

if TYPE_CHECKING:
    import polars as pl

    from recfeat_pipeline.extraction.versions import PromptVersion
    from recfeat_pipeline.lake import Lake
    from recfeat_pipeline.settings import Settings


def reliability(
    context: typer.Context,
    prompt_version: VersionOption = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Another extracted version, to compare with."),
    ] = None,
    retest: Annotated[
        float | None,
        typer.Option(
            min=0.0, max=1.0, metavar="SHARE",
            help="Ask this share of the items once more, with another seed; it costs as much as "
            "it did the first time, and once only.",
        ),
    ] = None,
    budget: BudgetOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Say how far a version's scores can be trusted.

    How they use the scale, whether items that anyone would call alike are near each other, how far
    late dimensions of a call slide to 0.5; with --retest how well two askings agree, with --against
    how well two versions do. Only --retest sends anything.

    $ recfeat reliability
    $ recfeat reliability --retest 0.02 --budget 1
    $ recfeat reliability --against genome132-one-call
    """
    from recfeat_pipeline.commands.lakes import choose_version, open_lake
    from recfeat_pipeline.extraction.health import pair_problems, scale_problems
    from recfeat_pipeline.extraction.reliability import agreement, retest_problems

    settings = context.obj.settings.but(llm_budget_usd=budget)
    lake = open_lake(settings)
    version = choose_version(lake, prompt_version, settings.prompts)
    titles = lake.read("items").select("item_id", "title")
    scores = _stored(lake, version, titles)
    tables = {}
    problems = [*scale_problems(scores), *pair_problems(scores, titles)]
    if retest is not None:
        again = _ask_again(lake, version, settings, retest, yes)
        tables["asked twice"] = agreement(scores, again)
        problems += retest_problems(tables["asked twice"])
    if against is not None:
        other = choose_version(lake, against, settings.prompts)
        theirs = _stored(lake, other, titles)
        tables[f"against {other.key}"] = agreement(scores, theirs)
    slide = _slide(scores, version)
    if as_json:
        agreed = {name: found.to_dicts() for name, found in tables.items()}
        dump({"version": version.key, "problems": problems, "slide": slide, "agreement": agreed})
        return
    n_items = scores["item_id"].n_unique()
    say(f"{version.key}, {plural(n_items, 'item')}", style="bold")
    say(f"From the first dimension of a call to its last, scores at 0.5 rise by {slide:+.1%}.")
    for name, found in tables.items():
        _print_agreement(name, found)
    for problem in problems:
        say(f"- {problem}", style="yellow")
    if not problems:
        say("Nothing odd was found.")


def _stored(lake: "Lake", version: "PromptVersion", titles: "pl.DataFrame") -> "pl.DataFrame":
    from recfeat_pipeline.extraction.health import stored_scores

    scores = stored_scores(lake, version.key, titles)
    if scores.is_empty():
        raise RecfeatError(
            f"The lake holds no scores of {version.key}: `recfeat backfill {version.name}` "
            "extracts them."
        )
    return scores


def _ask_again(
    lake: "Lake", version: "PromptVersion", settings: "Settings", part: float, yes: bool
) -> "pl.DataFrame":
    """SCORES of a sample of the items, asked anew; its answers are in the ledger as any other."""
    import polars as pl

    from recfeat_pipeline.commands.driving import announce_cost
    from recfeat_pipeline.commands.progress import bar
    from recfeat_pipeline.extraction.engine import choose_backend, limits_of
    from recfeat_pipeline.extraction.reliability import retest_version
    from recfeat_pipeline.extraction.retest import ask_again, sampled
    from recfeat_pipeline.lake import shard_names

    limits = limits_of(settings)
    documents = pl.concat([sampled(lake, part, shard) for shard in shard_names(lake.n_shards)])
    hint(f"Asking {plural(documents.height, 'item')} again")
    announce_cost(lake, retest_version(version), settings, yes, documents=documents)
    backend = choose_backend(settings, version, limits)
    with bar(f"Asking again: {version.name}") as progress:
        second, stopped = ask_again(
            lake, version, part, backend,
            limits=limits, progress=progress, prices=settings.prompts,
        )  # fmt: skip
    if stopped:
        hint(stopped, style="yellow")
    return second


def _slide(scores: "pl.DataFrame", version: "PromptVersion") -> float:
    """How much more of the scores lie at 0.5 at the end of a call than at its beginning."""
    from recfeat_pipeline.extraction.reliability import drift, drift_slope

    calls = [list(q.schema["properties"]["scores"]["properties"]) for q in version.questions]
    return sum(drift_slope(drift(scores, order)) for order in calls) / len(calls)


def _print_agreement(name: str, found: "pl.DataFrame") -> None:
    import polars as pl

    by_group = found.group_by("group", maintain_order=True).agg(
        pl.len(),
        pl.max("n_items"),
        pl.median("pearson_r"),
        low=pl.min("pearson_r"),
        worst=pl.col("dimension").sort_by("pearson_r", nulls_last=True).first(),
        equal=pl.mean("share_equal"),
    )
    table(
        {
            "group": "left", "items": "right", "median r": "right", "lowest r": "right",
            "which": "left", "within 0.05": "right",
        },
        [
            (
                row["group"], number(row["n_items"]), number(row["pearson_r"], 2),
                number(row["low"], 2), row["worst"], share(row["equal"]),
            )
            for row in by_group.to_dicts()
        ],
        title=name,
    )  # fmt: skip
