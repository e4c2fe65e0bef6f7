"""Stops a run whose answers are worth nothing, after a few dozen calls instead of the corpus."""

from collections import Counter, deque
from typing import Any

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.backends.wire import TOO_LONG

WINDOW = 30  # ended calls that are looked back on, of the run and of each group
SHARE = 0.9  # of them failed: it will not get better by itself
FEWEST = 6  # ended calls that a short run is judged by, when it is over
ITEMS = 3  # among the failed ones, at least: one odd item stops nobody
MODERATED = ("refusal", "content_filter")  # of a document, or of all: a harmless one will tell
NONE_OF = 600  # calls that were all moderated and paid: the rest will be as well
ADVICE = {
    "length": "Raise max_tokens in the prompt version's [params]",
    "refusal": "Name a model that does not refuse such documents (RECFEAT_LLM_MODEL)",
    "content_filter": "Turn the provider's filter down, or name another model (RECFEAT_LLM_MODEL)",
    "rejected": "Mend what the endpoint says",
}
OTHER_ADVICE = "Name a model or a server that keeps to JSON schemas (RECFEAT_LLM_MODEL)"


class Breaker:
    """Told of every ended call (a RESPONSES row).

    What moderation refuses unpaid does not count: a long stretch of such documents stops nobody.
    """

    def __init__(self) -> None:
        self._recent: dict[str | None, deque[dict[str, Any]]] = {}
        self._n_ok = self._n_moderated = 0
        self._look_at = WINDOW  # moderated answers, from which on they are a matter of doubt
        self.doubt: RecfeatError | None = None  # why to stop, unless it is the documents

    def acquit(self) -> None:
        """The doubt is over, it is the documents: look again after twice as many."""
        self.doubt, self._look_at = None, self._n_moderated + 2 * self._look_at
        self._recent.clear()

    def ended(self, row: dict[str, Any]) -> None:
        """Look at one more ended call.

        Raises:
            RecfeatError: nearly all of the last ones failed, over the run or in the call's group.
        """
        self._n_ok += row["status"] == "ok"
        self._n_moderated += _kind(row) in MODERATED
        if _kind(row) == "rejected" and not TOO_LONG.search(row["reason"]):
            return
        for part in (None, row["group"]):
            recent = self._recent.setdefault(part, deque(maxlen=WINDOW))
            recent.append(row)
            if len(recent) == WINDOW and row["status"] != "ok":  # a good one makes nothing worse
                self._judge(recent, part)

    def over(self) -> None:
        """The run is over.

        Raises:
            RecfeatError: nearly all of its few calls failed.
        """
        recent = self._recent.get(None, deque())
        if FEWEST <= len(recent) < WINDOW:
            self._judge(recent, None)

    def _judge(self, recent: "deque[dict[str, Any]]", group: str | None) -> None:
        failed = [row for row in recent if row["status"] != "ok"]
        n_items = len({row["item_id"] for row in failed})
        if len(failed) < SHARE * len(recent) or n_items < ITEMS:
            return
        kinds = Counter(_kind(row) for row in failed)
        kind, _ = kinds.most_common(1)[0]
        if kind in MODERATED and self._n_moderated < self._look_at:
            return
        example = next(row for row in reversed(failed) if row["reason"].startswith(kind))
        of_group = f" of group {group!r}" if group else ""
        answer = " ".join(example["response"].split())
        shown = f", answered “{answer[:100]}{'…' if len(answer) > 100 else ''}”" if answer else ""
        error = RecfeatError(
            f"{len(failed)} of the last {len(recent)} calls{of_group} got no valid answer, so no "
            f"more are made. For example item {example['item_id']}, {example['group']}: "
            f"{example['reason']}{shown}. {ADVICE.get(kind, OTHER_ADVICE)}, then run again with "
            "RECFEAT_LLM_RETRY_FAILED=1."
        )
        hopeless = not self._n_ok and self._n_moderated >= NONE_OF
        if kind not in MODERATED or hopeless:
            raise error
        self.doubt = error


def _kind(row: dict[str, Any]) -> str:
    """Why a call failed, in a word; "" for one that did not."""
    return (row["reason"] or "").partition(":")[0]
