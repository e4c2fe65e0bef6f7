"""What another order of the best candidates gains, and whether the gain is the LLM's.

It is the LLM's only if nothing that costs nothing gains as much, if it needs this user's history,
and if it is still there when the history is shown in no order: else the LLM read how lists were
clicked through, and not a taste.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from recfeat_pipeline.report.worth import Effect, significant

if TYPE_CHECKING:
    from recfeat_pipeline.report.inputs import Inputs

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Reranker:
    """One arm that reorders, with its row of ``metrics.rerankers``."""

    row: Row
    inputs: "Inputs"

    @property
    def arm(self) -> str:
        """Its id."""
        return str(self.row["arm"])

    @property
    def name(self) -> str:
        """What a reader calls it."""
        return name_of(self.inputs, self.arm)

    @property
    def asks(self) -> bool:
        """Whether an LLM is asked."""
        return bool(self.row["by"] == "llm")

    @property
    def is_control(self) -> bool:
        """Whether it shows an LLM something else on purpose, or asks it once more."""
        note = self.inputs.provenance.arms.get(self.arm)
        return note is not None and note.role == "control"

    def over(self, reference: str, slice_: str = "all", metric: str = "mrr") -> Row | None:
        """The contrast with another arm; None where there is none."""
        k = pl.lit(None if metric == "mrr" else 10)
        rows = self.inputs.request_contrasts.filter(
            pl.col("k").eq_missing(k), arm=self.arm, reference=reference, slice=slice_,
            metric=metric,
        )  # fmt: skip
        return rows.row(0, named=True) if rows.height else None

    @cached_property
    def gain(self) -> Row | None:
        """What it changes on its base, over all requests."""
        return self.over(self.row["base"])

    @property
    def gains(self) -> bool:
        """Whether it surely gains on its base."""
        return significant(self.gain) and self.gain is not None and self.gain["delta"] > 0

    def doubts(self) -> list[str]:
        """Why a gain is not the LLM's, in words; none: it is, as far as was looked."""
        found = []
        for other in find_rerankers(self.inputs):
            if other.row["base"] != self.row["base"] or other.arm == self.arm:
                continue
            if not other.asks or other.row["history"] == "other":
                less = self.over(other.arm)
                if less is not None and not (significant(less) and less["delta"] > 0):
                    found.append(f"it is not surely better than “{other.name}”")
            elif other.row["history"] == "shuffled" and not other.gains:
                found.append("with the history in no order no gain is shown")
        return found

    @property
    def effect(self) -> Effect | None:
        """What is to be made of it."""
        if self.gain is None:
            return None
        if not significant(self.gain):
            return "none"
        if self.gain["delta"] < 0:
            return "loss"
        return "doubt" if self.doubts() else "gain"

    @property
    def untested(self) -> list[str]:
        """Controls that decide and were not run, in words."""
        of_base = [
            other.row for other in find_rerankers(self.inputs)
            if other.row["base"] == self.row["base"] and other.arm != self.arm
        ]  # fmt: skip
        there = {
            "an order that costs nothing": any(row["by"] != "llm" for row in of_base),
            "another user's history": any(row["history"] == "other" for row in of_base),
            "the history in no order": any(row["history"] == "shuffled" for row in of_base),
        }
        return [name for name, is_there in there.items() if not is_there]


def name_of(inputs: "Inputs", arm: str) -> str:
    """An arm's title; one that reorders has no metrics of its own, and so no part in the roles."""
    note = inputs.provenance.arms.get(arm)
    return note.title if note and arm not in inputs.roles.names else inputs.roles.name(arm)


def find_rerankers(inputs: "Inputs") -> list[Reranker]:
    """Every arm that reorders and was weighed, as they stand in the table."""
    return [Reranker(row, inputs) for row in inputs.rerankers.iter_rows(named=True)]
