"""What an experiment can show before anything is spent on it: effects, users and seeds.

A difference is found when its interval leaves zero out. With half-width h at a tail, a true
difference of h(.025) + h(.2) is found in 80 % of experiments: the usual sum of the two quantiles,
here with a Student's t for the users and one for what seeds add, as the test itself has them
(``recfeat_pipeline/evaluation/significance.py``). A correction for many tests asks for more.
"""

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

from recfeat_pipeline.evaluation.student import t_quantile

ALPHA, POWER = 0.05, 0.8


@dataclass(frozen=True)
class Spread:
    """How far a relative difference in a metric varies, as standard deviations.

    A user's own difference, over the mean value of the metric, has the variance
    users² + examples² / (examples of that user).
    """

    users: float  # of what a change is worth to a user
    examples: float  # between a user's examples: ranks jump
    seeds: float  # of the randomness of training

    def of_users(self, examples_per_user: float) -> float:
        """Variance of a user's difference."""
        return self.users**2 + self.examples**2 / examples_per_user


STATED = {
    "EASE": Spread(users=0.0, examples=0.34, seeds=0.0),
    "a two-tower": Spread(users=0.332, examples=2.55, seeds=0.0089),
}
"""Of MRR, with LLM scores less without, on 579 held-out users of MovieLens 1M (three-way split, 20
examples each). The more content changes a model, the wider its difference spreads. Printed by
``recfeat power`` after a run that docs/statistics.md names."""


def detectable_difference(
    v_users: float, df: float, v_luck: float = 0.0, n_seeds: int = 1
) -> float:
    """The smallest true difference that is found four times in five at 5 %.

    Args:
        v_users: variance of the mean over users.
        df: its degrees of freedom: for users that weigh alike, their number less 1.
        v_luck: variance that seeds add to the mean over seeds.
        n_seeds: at least 2 where ``v_luck`` is not 0.
    """

    def half_width(tail: float) -> float:
        squared = t_quantile(tail, df) ** 2 * v_users
        if v_luck > 0:
            squared += t_quantile(tail, n_seeds - 1) ** 2 * v_luck
        return math.sqrt(squared)

    return half_width(ALPHA / 2) + half_width(1 - POWER)


def detectable_effect(
    n_users: int, examples_per_user: float, spread: Spread, n_seeds: int = 5
) -> float:
    """The smallest relative change that an experiment of this size finds four times in five.

    ``inf`` for fewer than two users.
    """
    if n_users < 2:
        return math.inf
    v_luck = spread.seeds**2 / n_seeds if n_seeds > 1 else 0.0
    v_users = spread.of_users(examples_per_user) / n_users
    return detectable_difference(v_users, n_users - 1, v_luck, n_seeds)


def users_needed(
    effect: float, examples_per_user: float, spread: Spread, n_seeds: int = 5
) -> int | None:
    """Held-out users that it takes to find a relative change.

    None where the randomness of training hides it from any number of them.
    """
    return least(lambda n: detectable_effect(n, examples_per_user, spread, n_seeds), effect)


def least(detectable: Callable[[int], float], effect: float, up_to: int = 2**30) -> int | None:
    """The smallest n from 2 on at which ``detectable(n)``, which falls, is at most ``effect``."""
    steps = (2**k for k in range(1, up_to.bit_length()))
    enough = next((n for n in steps if detectable(n) <= effect), None)
    if enough is None:
        return None
    candidates = range(max(enough // 2, 2), enough + 1)
    return candidates[bisect_left(candidates, True, key=lambda n: detectable(n) <= effect)]
