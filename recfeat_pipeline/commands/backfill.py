"""``recfeat backfill``: extract with one prompt version, beside what is promoted."""

from typing import Annotated

import typer

from recfeat_pipeline.commands.options import integers
from recfeat_pipeline.commands.output import hint, plural, say
from recfeat_pipeline.commands.run import BudgetOption, YesOption
from recfeat_pipeline.errors import RecfeatError

WORDS = {"scores": "scores", "profiles": "profiles", "generated": "generated texts"}


def backfill(
    context: typer.Context,
    version: Annotated[
        str, typer.Argument(metavar="VERSION", help="A prompt version (`recfeat prompts list`).")
    ],
    shards: Annotated[
        str | None,
        typer.Option(metavar="SHARDS", help='Only these: "0", "0,3" or "0-7"; unset: all.'),
    ] = None,
    budget: BudgetOption = None,
    yes: YesOption = False,
) -> None:
    """Extract a prompt version over every shard, and promote nothing.

    Its features then stand beside the promoted version's in the store; arms that name the version
    use it, the others do not. `recfeat prompts promote` makes it the one that they use.
    Dimensions of films are not bought for a catalogue of something else, unless --yes says so.

    $ recfeat backfill genome132-v1+title-only
    $ recfeat backfill mine-v2 --shards 0-3 --budget 5
    """
    from recfeat_pipeline.commands.domain import refuse_misfit
    from recfeat_pipeline.commands.driving import announce_cost, open_driver
    from recfeat_pipeline.commands.lakes import choose_version, open_lake
    from recfeat_pipeline.extraction.versions import OF_ITEMS

    settings = context.obj.settings.but(llm_budget_usd=budget)
    lake = open_lake(settings)
    chosen = choose_version(lake, version, settings.prompts)
    names = parse_shards(shards, lake.n_shards)
    if not lake.has("documents"):
        raise RecfeatError(
            f"The lake {lake.root} holds no documents to extract from: run `recfeat run --until "
            "text` first."
        )
    items, fields, paid = lake.read("items"), lake.read("fields"), settings.has_llm
    if said := refuse_misfit(chosen, items, fields, asked=yes, paid=paid, how="--yes"):
        hint(f"! {said}.", style="yellow")
    hint(f"Extracting {chosen.key}", style="bold")
    with open_driver(settings) as driver:
        announce_cost(lake, chosen, settings, yes, names)
        driver.extract(chosen, names)
        hint("Building the feature store", style="bold")
        driver.build_store()
    table = OF_ITEMS[chosen.asks]
    n_items = lake.read(table, version=chosen.key)["item_id"].n_unique()
    say(f"{chosen.key}: {plural(n_items, 'item')} with {WORDS[table]}.")
    say(f"Promoted is {lake.meta.get('promoted') or 'none'}, as before.")


def parse_shards(text: str | None, n_shards: int) -> list[str]:
    """``"0,3-5"`` as shard names, sorted; every name for None.

    Raises:
        RecfeatError: not numbers, or beyond the lake's shards.
    """
    if text is None:
        return [f"{shard:02d}" for shard in range(n_shards)]
    wanted: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        ends = integers("--shards", f"{first},{last}" if dash else first)
        wanted.update(range(ends[0], ends[-1] + 1))
    if not wanted or not wanted <= set(range(n_shards)):
        raise RecfeatError(f"--shards {text!r}: this lake's shards run from 0 to {n_shards - 1}.")
    return [f"{shard:02d}" for shard in sorted(wanted)]
