"""What may be spent. Whatever was sent and may have been billed counts, at its worst case.

A call goes out only if the most that it can cost still fits. An answer costs what its tokens cost;
one that was lost on the way, or whose tokens the server did not count, costs the most it could.
On a machine paid by the hour the cost is a share of the time taken, at worst that of the time-out.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.prices import Price, share
from recfeat_pipeline.extraction.requests import user_message
from recfeat_pipeline.extraction.spending import Book
from recfeat_pipeline.extraction.types import Answer, Limits, Request, Usage

CAPS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "num_predict", "n_predict")
UNCAPPED = 131_072  # tokens of an answer when no parameter caps it: what today's models can write
FRAME_BYTES = 1_000  # that a chat's frame and a reminder add to a prompt
PARTS = 50  # in which a budget is written down ahead of being spent
AHEAD_USD = 0.50  # the same, without a budget


class BudgetReached(Exception):
    """The next call could pass the budget; the text says which."""


def output_cap(params: Mapping[str, Any]) -> int:
    """The most tokens that an answer can have under these parameters, all its choices together."""
    nested = [value for value in params.values() if isinstance(value, Mapping)]
    caps = [of[name] for of in (params, *nested) for name in CAPS if isinstance(of.get(name), int)]
    choices = params.get("n", 1)
    return max(caps or [UNCAPPED]) * (choices if isinstance(choices, int) else 1)


def worst_case(request: Request, params: Mapping[str, Any] | None = None) -> Usage:
    """The most tokens that one ask can take; a token has at least one byte.

    Args:
        request: the call.
        params: its parameters as sent; unset: as the prompt version has them.
    """
    document = user_message(request.document).encode("utf-8", "replace")
    n_bytes = request.question.n_bytes + len(document) + FRAME_BYTES
    return Usage(n_bytes, 0, output_cap(request.params if params is None else params))


class Budget:
    """The money of one run: what is spent, what calls in flight may still cost, what is left.

    Args:
        limits: the budgets of the run, the day and the lake.
        price: the model's.
        book: where the lake's spending is written down; None: nowhere.

    Raises:
        RecfeatError: a budget was set for a model without a price.
    """

    def __init__(self, limits: Limits, price: Price | None, book: Book | None, model: str):
        self.caps = {
            "run": limits.budget_usd,
            "day": limits.budget_per_day,
            "lake": limits.budget_per_lake,
        }
        set_ones = [cap for cap in self.caps.values() if cap is not None]
        if set_ones and price is None:
            raise RecfeatError(
                f"A budget needs a price, and no table lists the model {model!r}. Add it to "
                "prices.toml in RECFEAT_PROMPTS, or run without a budget."
            )
        self.price, self.book = price, book if price else None
        self._before = limits.spent_usd  # in this run, by another model
        self._concurrency, self._timeout_s = limits.concurrency, limits.timeout_s
        self.spent = self.reserved = 0.0
        self._step = min(set_ones) / PARTS if set_ones else AHEAD_USD
        self._written = 0.0  # of this run, in the book
        self._given_back = asyncio.Event()

    async def hold(self, one_ask: Usage, asks: int) -> "Hold":
        """Set aside what a call may cost; waits while calls in flight hold what it needs.

        Raises:
            BudgetReached: it does not fit into what is left.
        """
        held = Hold(self, one_ask)
        while self.price and (why := self._lacking(held.one * asks)):
            if self.reserved < 1e-9:  # nothing but rounding is left of the others' parts
                raise BudgetReached(why)
            self._given_back.clear()
            await self._given_back.wait()
        held.take(asks)
        return held

    def more(self, usd: float) -> None:
        """Make sure that so much more fits, at once.

        Raises:
            BudgetReached: it does not.
        """
        if self.price and (why := self._lacking(usd)):
            raise BudgetReached(why)

    def most(self, one_ask: Usage) -> float:
        """Dollars of an ask that takes these tokens and all the time that it may."""
        if not self.price:
            return 0.0
        return self.price.cost(one_ask, share(self._timeout_s, self._concurrency))

    def cost(self, answer: Answer) -> float | None:
        """Dollars of an answer; None: without a price, or the server did not count its tokens."""
        if not self.price or not (answer.counted or self.price.hour):
            return None
        return self.price.cost(answer.usage, share(answer.latency_ms / 1e3, self._concurrency))

    def settle(self) -> None:
        """The run is over: write down what it spent, no more."""
        if self.book and self._written:
            with self.book.lock():
                self.book.write(self.spent, closed=True)

    def _lacking(self, usd: float) -> str | None:
        """Why so much more does not fit, as a sentence; None: it does, and is written down."""
        needed = self.spent + self.reserved + usd
        run = self.caps["run"]
        if run is not None and self._before + needed > run:
            return (
                f"The budget of ${run:,.2f} is reached (${self._before + self.spent:,.2f} spent); "
                "raise it and run again to go on."
            )
        if self.book and needed > self._written:
            with self.book.lock():
                most = needed + self._step
                for name, before in (("day", self.book.today()), ("lake", self.book.total())):
                    cap = self.caps[name]
                    if cap is None:
                        continue
                    if before + needed > cap:
                        when = "today " if name == "day" else ""
                        return (
                            f"The {name}'s budget of ${cap:,.2f} (RECFEAT_BUDGET_PER_"
                            f"{name.upper()}) is reached (${before + self.spent:,.2f} spent {when}"
                            "in this lake); raise it and run again to go on."
                        )
                    most = min(most, cap - before)
                self._written = most
                self.book.write(most)
        return None

    def _release(self, usd: float) -> None:
        self.reserved -= usd
        self._given_back.set()


class Hold:
    """What one call has set aside, and what it has cost so far."""

    def __init__(self, budget: Budget, one_ask: Usage):
        self._budget, self.one = budget, budget.most(one_ask)  # dollars of one ask, at its worst
        self._left = 0.0
        self.cost = 0.0

    def take(self, asks: int) -> None:
        """Set aside so many asks more; :meth:`Budget.hold` and ``more`` say whether they fit."""
        self._budget.reserved += self.one * asks
        self._left += self.one * asks

    def answered(self, answer: Answer) -> None:
        """An answer came: it costs its tokens, if the server counted them, or its time."""
        cost = self._budget.cost(answer)
        self._spend(self.one if cost is None else cost)

    def lost(self) -> None:
        """An ask was sent and perhaps billed, and its answer lost: it counts at its worst."""
        self._spend(self.one)

    def again(self) -> None:
        """Set one ask aside for another try.

        Raises:
            BudgetReached: it does not fit.
        """
        self._budget.more(self.one)
        self.take(1)

    def grow(self, one_ask: Usage, asks: int) -> None:
        """The call is sent in another form from now on, which may cost more.

        Raises:
            BudgetReached: that does not fit.
        """
        one = self._budget.most(one_ask)
        extra = one * asks - self._left
        self.one = one
        if extra > 0:
            self._budget.more(extra)
            self._budget.reserved += extra
            self._left += extra

    def close(self) -> None:
        """Give back what was not needed."""
        self._budget._release(self._left)
        self._left = 0.0

    def _spend(self, usd: float) -> None:
        self.cost += usd
        self._budget.spent += usd
        used = min(self.one, self._left)
        self._left -= used
        self._budget._release(used)
