"""Whose fault a refusal is: the item's, or everyone's.

A server that refuses a call says the same of one moderated document and of a wrong setting. So
the call is held, and the calls of its item with it, until another item's call, sent later, has
ended: an answer makes it that item's failure. Where several items are refused one after the other,
a harmless document that nobody refuses is asked about (:func:`harmless`): its answer makes it those
items' failure, its refusal a setting's.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from recfeat_pipeline.extraction.requests import opening
from recfeat_pipeline.extraction.types import Request

SAME = 3  # different items refused one after the other: time to ask about a harmless document
MOST = 256  # twice as many after each time that it was answered, up to so many
TITLE = "A Quiet Walk"
HARMLESS = f"Title: {TITLE}\nPlot: Two friends walk through a park and talk about the weather."


@dataclass(frozen=True)
class Refusal:
    """One call that was refused and waits for a verdict."""

    request: Request
    sign: str  # alike for refusals of one kind
    detail: str  # the server's words
    at: float  # when
    keep: Callable[[], None]  # writes its failed row


class Suspicion:
    """The refusals that wait for a verdict."""

    def __init__(self) -> None:
        self._held: list[Refusal] = []
        self._enough = SAME

    def __bool__(self) -> bool:
        return bool(self._held)

    def about(self, item_id: int | str) -> bool:
        """Whether a call of this item was refused and nobody knows why yet."""
        return any(refusal.request.item_id == item_id for refusal in self._held)

    def hold(self, refusal: Refusal) -> None:
        """Keep a refused call until the verdict."""
        self._held.append(refusal)

    @property
    def crowded(self) -> bool:
        """Whether enough items were refused that somebody should find out why."""
        return len({refusal.request.item_id for refusal in self._held}) >= self._enough

    @property
    def last(self) -> Refusal:
        """The newest refusal."""
        return self._held[-1]

    def answered(self, sent_at: float) -> None:
        """A call was answered: what was refused before it was sent is those items' failure."""
        self._enough = SAME
        self._clear(sent_at)

    def harmless_answered(self, sent_at: float) -> None:
        """The same, by the harmless document: a longer stretch of such items is expected now."""
        self._enough = min(2 * self._enough, MOST)
        self._clear(sent_at)

    def _clear(self, sent_at: float) -> None:
        clear = [refusal for refusal in self._held if refusal.at <= sent_at]
        self._held = [refusal for refusal in self._held if refusal.at > sent_at]
        for refusal in clear:
            refusal.keep()


def harmless(request: Request) -> Request:
    """The same question about a document that no filter minds; its answer is not kept."""
    echoes_title = "title" in request.question.schema["properties"]
    identity = TITLE if echoes_title else opening(HARMLESS)
    return replace(request, item_id="harmless", key="", document=HARMLESS, identity=identity)
