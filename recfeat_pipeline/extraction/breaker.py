"""Stops a run whose answers are worth nothing, after a few dozen calls instead of the corpus."""

from collections import Counter, deque
from typing import Any

from recfeat_pipeline.errors import RecfeatError

WINDOW = 30  # ended calls that are looked back on, of the run and of each group
SHARE = 0.9  # of them failed: it will not get better by itself
FEWEST = 6  # ended calls that a short run is judged by, when it is over
ITEMS = 3  # among the failed ones, at least: one odd item stops nobody
ADVICE = {
    "length": "Raise max_tokens in the prompt version's [params]",
    "refusal": "Name a model that does not refuse such documents (RECFEAT_LLM_MODEL)",
    "content_filter": "Turn the provider's filter down, or name another model (RECFEAT_LLM_MODEL)",
    "rejected": "Mend what the endpoint says",
}
OTHER_ADVICE = "Name a model or a server that keeps to JSON schemas (RECFEAT_LLM_MODEL)"


class Breaker:
    """Told of every ended call (a RESPONSES row)."""

    def __init__(self) -> None:
        self._recent: dict[str | None, deque[dict[str, Any]]] = {}

    def ended(self, row: dict[str, Any]) -> None:
        """Look at one more ended call.

        Raises:
            RecfeatError: nearly all of the last ones failed, over the run or in the call's group.
        """
        for part in (None, row["group"]):
            recent = self._recent.setdefault(part, deque(maxlen=WINDOW))
            recent.append(row)
            if len(recent) == WINDOW:
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
        kinds = Counter(row["reason"].partition(":")[0] for row in failed)
        kind, _ = kinds.most_common(1)[0]
        example = next(row for row in reversed(failed) if row["reason"].startswith(kind))
        of_group = f" of group {group!r}" if group else ""
        answer = " ".join(example["response"].split())
        shown = f", answered “{answer[:100]}{'…' if len(answer) > 100 else ''}”" if answer else ""
        raise RecfeatError(
            f"{len(failed)} of the last {len(recent)} calls{of_group} got no valid answer, so no "
            f"more are made. For example item {example['item_id']}, {example['group']}: "
            f"{example['reason']}{shown}. {ADVICE.get(kind, OTHER_ADVICE)}, then run again with "
            "RECFEAT_LLM_RETRY_FAILED=1."
        )
