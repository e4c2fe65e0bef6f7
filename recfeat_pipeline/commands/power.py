"""``recfeat power``: what a catalogue can show; said by ``check`` and ``estimate`` as well."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from recfeat_pipeline.commands.options import JsonOption
from recfeat_pipeline.commands.output import dump, number, plural, say, table
from recfeat_pipeline.errors import RecfeatError

if TYPE_CHECKING:
    import polars as pl

    from recfeat_pipeline.evaluation.power import Spread
    from recfeat_pipeline.lake import Lake

SEEDS = 5
EFFECTS = (0.02, 0.05, 0.1)


def power(context: typer.Context, as_json: JsonOption = False) -> None:
    """Say what a further experiment could show, by how far finished arms' differences spread.

    Of every arm with content and the arm that it is held against: how far the relative change of
    MRR spreads over users, a user's examples and seeds, the smallest change that five seeds find
    four times in five, and the users that smaller ones take. `recfeat check` says the same before
    anything is run, by the spread of MovieLens 1M.

    $ recfeat power
    """
    from recfeat_pipeline.commands.lakes import open_lake
    from recfeat_pipeline.defs.training.inputs import report_split

    lake = open_lake(context.obj.settings)
    spreads = measured(lake)
    if not spreads:
        raise RecfeatError(
            "No finished pair of arms differs in content, so there is no spread to measure: run "
            "`recfeat run`, or `recfeat check` for what is to be expected."
        )
    found = power_of(
        lake.read("examples"),
        report_split(lake),
        spreads={name: spread for name, (spread, _) in spreads.items()},
    )
    if as_json:
        dump({**found, "spreads": {name: vars(s) for name, (s, _) in spreads.items()}})
        return
    table(
        {"pair": "left", "seeds": "right", "users": "right", "examples": "right", "luck": "right"},
        [
            (
                name,
                number(n_seeds) if n_seeds else "any",
                number(spread.users, 3),
                number(spread.examples, 2),
                "none" if not n_seeds else "unknown" if n_seeds == 1 else number(spread.seeds, 4),
            )
            for name, (spread, n_seeds) in spreads.items()
        ],
        title="Spread of the relative change of MRR (standard deviations)",
    )
    say()
    say_power(found)


def measured(lake: "Lake") -> "dict[str, tuple[Spread, int | None]]":
    """By pair of arms that differ in content (``llm − floor``): the spread, and its seeds.

    No number of them where another seed gives the same two models.
    """
    import polars as pl

    from recfeat_pipeline.defs.evaluation.declared import (
        all_arms,
        declared_pairs,
        deterministic_arms,
    )
    from recfeat_pipeline.evaluation.metrics import measure
    from recfeat_pipeline.evaluation.spread import spread_of

    ranks, arms = lake.read("ranks").with_columns(pl.col("seed").cast(pl.Int32)), all_arms(lake)
    role = dict(arms.select("arm", "role").iter_rows())
    present, found = set(ranks["arm"].unique()), {}
    seedless = set(deterministic_arms(lake))
    for arm, reference in declared_pairs(lake):
        if role[arm] != "content" or role[reference] not in ("floor", "baseline"):
            continue
        if {arm, reference} <= present:
            spread = spread_of(ranks, arm, reference, measure("mrr"), seedless)
            if spread is not None:
                n_seeds = None if {arm, reference} <= seedless else spread[1]
                found[f"{arm} − {reference}"] = spread[0], n_seeds
    return found


def power_of(
    examples: "pl.DataFrame",
    split: str = "test",
    n_seeds: int = SEEDS,
    spreads: "Mapping[str, Spread] | None" = None,
) -> dict[str, Any]:
    """The smallest effect that the reported users can show, and the users that effects take.

    Args:
        examples: EXAMPLES.
        split: whose examples are reported.
        n_seeds: of each arm.
        spreads: by recommender, or by pair of arms; None: as stated of MovieLens 1M.

    Returns:
        ``users, examples, seeds`` and, ``on`` each of the spreads, ``detectable`` as a share of
        MRR, None for fewer than two users, and ``users_needed`` by effect, None where the
        randomness of training hides it.
    """
    import polars as pl

    from recfeat_pipeline.evaluation.power import STATED, detectable_effect, users_needed

    reported = examples.filter(pl.col("split") == split)
    n_users = reported["user_id"].n_unique()
    per_user = reported.height / max(n_users, 1) or 1.0
    return {
        "users": n_users,
        "examples": reported.height,
        "seeds": n_seeds,
        "stated": spreads is None,
        "on": {
            name: {
                "detectable": None
                if n_users < 2
                else detectable_effect(n_users, per_user, spread, n_seeds),
                "users_needed": {e: users_needed(e, per_user, spread, n_seeds) for e in EFFECTS},
            }
            for name, spread in (STATED if spreads is None else spreads).items()
        },
    }


def sentence_of(found: dict[str, Any]) -> str:
    """:func:`power_of` in one sentence."""
    if found["users"] < 2:
        return "Fewer than two users are held out: no difference can be measured."
    smallest = ", ".join(
        f"{_percent(on['detectable'])} on {name}" for name, on in found["on"].items()
    )
    return (
        f"With {number(found['users'])} held-out users ({number(found['examples'])} examples) and "
        f"{plural(found['seeds'], 'seed')}, a change of MRR by {smallest} is found four times in "
        "five."
    )


def say_power(found: dict[str, Any], *, briefly: bool = False) -> None:
    """:func:`power_of` for people; briefly: without the users that smaller effects take."""
    if briefly or found["stated"] or found["users"] < 2:
        say(sentence_of(found))
    if found["users"] < 2:
        return
    if not briefly:
        table(
            {"": "left", "finds a change of": "right"}
            | {f"users for {effect:.0%}": "right" for effect in EFFECTS},
            [
                (
                    name,
                    _percent(on["detectable"]),
                    *(number(n) if n else "more seeds" for n in on["users_needed"].values()),
                )
                for name, on in found["on"].items()
            ],
            title=f"Found four times in five, with {plural(found['seeds'], 'seed')}; "
            f"{number(found['users'])} users are held out",
        )
    whose = "As arms with and without LLM scores spread on MovieLens 1M; before"
    say(f"{whose if found['stated'] else 'Before'} a correction for many tests.")


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"
