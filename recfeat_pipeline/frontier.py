"""What is worth its price: nothing as cheap is better."""

from collections.abc import Sequence


def frontier(costs: Sequence[float], gains: Sequence[float]) -> list[bool]:
    """Which points are on the Pareto frontier of low cost and high gain; equals both are."""
    points = list(zip(costs, gains, strict=True))
    return [
        not any(
            (other_cost <= cost and other > gain) or (other_cost < cost and other >= gain)
            for other_cost, other in points
        )
        for cost, gain in points
    ]
