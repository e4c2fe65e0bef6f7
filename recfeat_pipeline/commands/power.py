"""What a catalogue can show, said before anything is paid for."""

from typing import TYPE_CHECKING, Any

from recfeat_pipeline.commands.output import number, plural, say, share, table

if TYPE_CHECKING:
    import polars as pl

SEEDS = 5
EFFECTS = (0.02, 0.05, 0.1)


def power_of(examples: "pl.DataFrame", split: str = "test", n_seeds: int = SEEDS) -> dict[str, Any]:
    """The smallest effect that the reported users can show, and the users that effects take.

    Args:
        examples: EXAMPLES.
        split: whose examples are reported.
        n_seeds: of each arm.

    Returns:
        ``users, examples, seeds``; ``detectable`` as a share of MRR, None for fewer than two
        users; ``users_needed`` by effect, None where the randomness of training hides it.
    """
    import polars as pl

    from recfeat_pipeline.evaluation.power import MOVIELENS, detectable_effect, users_needed

    reported = examples.filter(pl.col("split") == split)
    n_users = reported["user_id"].n_unique()
    per_user = reported.height / max(n_users, 1) or 1.0
    few = n_users < 2
    return {
        "users": n_users,
        "examples": reported.height,
        "seeds": n_seeds,
        "detectable": None if few else detectable_effect(n_users, per_user, MOVIELENS, n_seeds),
        "users_needed": {e: users_needed(e, per_user, MOVIELENS, n_seeds) for e in EFFECTS},
    }


def sentence_of(found: dict[str, Any]) -> str:
    """:func:`power_of` in one sentence."""
    if found["detectable"] is None:
        return "Fewer than two users are held out: no difference can be measured."
    return (
        f"With {number(found['users'])} held-out users ({number(found['examples'])} examples) and "
        f"{plural(found['seeds'], 'seed')}, a change of MRR by {100 * found['detectable']:.1f} % "
        "is found four times in five."
    )


def say_power(found: dict[str, Any]) -> None:
    """:func:`power_of` for people."""
    say(sentence_of(found))
    if found["detectable"] is None:
        return
    table(
        {"to find a change of": "left", "it takes users": "right"},
        [
            (share(effect), number(needed) if needed else "more seeds")
            for effect, needed in found["users_needed"].items()
        ],
    )
    say(
        "As two-tower models with and without LLM scores spread on MovieLens 1M; before a "
        "correction for many tests."
    )
