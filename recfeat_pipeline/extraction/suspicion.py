"""Whose fault a refusal is: the item's, or everyone's.

A server that refuses a call says the same of one moderated document and of a wrong setting. So
the call is held, and the calls of its item with it, until another item's call, sent later, has
ended: an answer makes it that item's failure; refusals of some more items, each alone and in the
same way, make it a setting's.
"""

from collections.abc import Callable
from dataclasses import dataclass

SAME = 3  # different items refused in the same way, one after the other: a setting's fault


@dataclass(frozen=True)
class Refusal:
    """One call that was refused and waits for a verdict."""

    item_id: int | str
    sign: str  # alike for refusals of one kind
    detail: str  # the server's words
    at: float  # when
    probe: bool  # it was sent while nothing else was in flight
    keep: Callable[[], None]  # writes its failed row


class Suspicion:
    """The refusals that wait for a verdict."""

    def __init__(self) -> None:
        self._held: list[Refusal] = []

    def __bool__(self) -> bool:
        return bool(self._held)

    def about(self, item_id: int | str) -> bool:
        """Whether a call of this item was refused and nobody knows why yet."""
        return any(refusal.item_id == item_id for refusal in self._held)

    def hold(self, refusal: Refusal) -> None:
        """Keep a refused call until the verdict."""
        self._held.append(refusal)

    @property
    def crowded(self) -> bool:
        """Whether enough items were refused that one call at a time should find out why."""
        return len({refusal.item_id for refusal in self._held}) >= SAME

    @property
    def everyones(self) -> Refusal | None:
        """The last refusal, if the server refuses everyone in its way."""
        last = self._held[-1]
        alike = {r.item_id for r in self._held if r.probe and r.sign == last.sign}
        return last if len(alike) >= SAME else None

    @property
    def last(self) -> Refusal:
        """The newest refusal."""
        return self._held[-1]

    def answered(self, sent_at: float) -> None:
        """A call was answered: what was refused before it was sent is those items' failure."""
        clear = [refusal for refusal in self._held if refusal.at <= sent_at]
        self._held = [refusal for refusal in self._held if refusal.at > sent_at]
        for refusal in clear:
            refusal.keep()
