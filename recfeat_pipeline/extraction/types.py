"""The one request type and the one answer type that every backend speaks."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import jsonschema

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.schema import compiled

if TYPE_CHECKING:
    from recfeat_pipeline.extraction.endpoint import Endpoint

IMPORTED = "imported"
"""What stands in the place of a model's name where scores or profiles came from elsewhere."""


LEXICAL = "lexical-v1"
"""The same of the embedded extractor, which asks no LLM."""


def is_lexical(model: str) -> bool:
    """Whether a model's name says that no LLM was asked, by this release or an older one."""
    return model.startswith(LEXICAL.partition("-")[0])


@dataclass(frozen=True)
class Question:
    """What is asked of every document in one call: fixed instructions and the answer's schema."""

    group: str
    system: str
    schema: Mapping[str, Any]

    @cached_property
    def fits(self) -> Callable[[Any], bool]:
        """Whether a parsed answer fits the schema, compiled once."""
        return compiled(self.schema)

    @cached_property
    def n_bytes(self) -> int:
        """Size of what is the same in each of its calls: instructions and schema."""
        return len(self.system.encode("utf-8", "replace")) + len(json.dumps(self.schema))

    @cached_property
    def validator(self) -> jsonschema.Draft202012Validator:
        """The same, slowly and with reasons."""
        return jsonschema.Draft202012Validator(self.schema)


@dataclass(frozen=True, slots=True)
class Request:
    """One call: a question about one document.

    ``document`` is the rendered text without its fence; ``identity`` is what the answer must repeat
    (the title, or the document's first words), None when there is nothing to repeat.
    """

    key: str
    item_id: int | str
    version: str
    question: Question
    document: str
    identity: str | None
    model: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the server counted them; ``cached`` is the part of ``prompt`` it had cached."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt + other.prompt,
            self.cached + other.cached,
            self.completion + other.completion,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a backend got for one request, before any check."""

    content: str | None
    finish_reason: str | None = "stop"
    refusal: str | None = None
    usage: Usage = Usage()
    latency_ms: float = 0.0
    counted: bool = True  # the server said how many tokens; else ``usage`` is a guess by size


class EndpointError(RecfeatError):
    """The endpoint answers nothing as things are: a key, credit, a name, or nobody there."""


class ItemError(Exception):
    """One request cannot be answered (too long, refused by a filter); others can."""


class TransientError(Exception):
    """Try again later: rate limit, server error, timeout, lost connection."""

    def __init__(
        self,
        message: str,
        retry_after: float | None = None,
        rate_limited: bool = False,
        unreachable: bool = False,
        billed: bool = False,
        exhausted: RecfeatError | None = None,
        sure_after: float = 0.0,
    ):
        super().__init__(message)
        self.retry_after = retry_after  # seconds, as the server asked
        self.rate_limited = rate_limited
        self.unreachable = unreachable  # no connection was made
        self.billed = billed  # an answer may have been made and lost on the way
        self.exhausted = exhausted  # why to end the run, if a call sent later hears it as well
        self.sure_after = sure_after  # seconds later


class RejectedError(Exception):
    """The call was refused: this item's fault, or a setting's; what other items get will tell.

    ``sign`` is alike for refusals of one kind.
    """

    def __init__(self, message: str, sign: str = "rejected"):
        super().__init__(message)
        self.sign = sign


class RephrasedError(Exception):
    """The server wants calls in another form, and gets them from now on: ask again at once."""


class Backend(Protocol):
    """Where answers come from while the program waits.

    ``model`` is part of every key. A backend with
    ``instant = True`` computes its answers here: no limit, no cool-down, no concurrency.
    """

    @property
    def name(self) -> str:
        """Written beside every answer."""
        ...

    @property
    def endpoint(self) -> "Endpoint | None":
        """Who is asked over the network, and in which dialect."""
        ...

    model: str
    instant: bool

    async def ask(self, request: Request, attempt: int, reminder: str | None) -> Answer:
        """Answer one request. ``attempt`` counts from 0 and moves the seed.

        Raises:
            RephrasedError: asked again, it is asked in another form.
            TransientError: worth another try.
            ItemError: this item fails, others may not.
            RejectedError: malformed, in the server's eyes.
            RecfeatError: nothing will work until the user mends a setting.
        """
        ...

    def of_model(self, model: str) -> "Backend":
        """The same endpoint with another model; to be closed by itself."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard to push, and how much to spend. None means no limit."""

    concurrency: int = 64  # calls in flight, over all shards
    requests_per_minute: float | None = None
    input_tokens_per_minute: float | None = None
    output_tokens_per_minute: float | None = None
    budget_usd: float | None = None  # of a run: stops before it is passed; needs a price
    spent_usd: float = 0.0  # of it, by what was asked before in this run
    budget_per_day: float | None = None  # of a lake and a day (UTC), all its runs together
    budget_per_lake: float | None = None  # of a lake, ever
    timeout_s: float = 120.0  # of one call, from when the server can be working on it
    reasks: int = 2  # fresh asks after an answer that is not valid
    transport_tries: int = 5  # of one call, before it becomes a failed row
    give_up_after: int = 6  # cool-downs without one answer between them: the endpoint is dead
    retry_failed: bool = False  # ask again what ended as a failed row

    def after(self, spent: float) -> "Limits":
        """For the rest of a run that has spent so much."""
        return replace(self, spent_usd=self.spent_usd + spent)


@dataclass(slots=True)
class Summary:
    """What a run did, in calls: requested - cached - known_failed - pending - sent are left."""

    requested: int = 0
    cached: int = 0  # valid answers already in the ledger
    known_failed: int = 0  # failed rows of earlier runs, left alone
    pending: int = 0  # calls in a batch under way, left to it
    put_aside: int = 0  # damaged lines of a killed run's journal
    sent: int = 0  # calls that ended, well or not (each at least one HTTP request)
    ok: int = 0
    failed: int = 0
    http_requests: int = 0  # sent, re-asks and transport retries counted
    usage: Usage = field(default_factory=Usage)
    cost_usd: float | None = 0.0  # None: the model has no price
    reasons: dict[str, int] = field(default_factory=dict)  # of failed calls
    stopped: str | None = None  # why the run ended early, as a sentence
    seconds: float = 0.0

    def add(self, row: Mapping[str, Any], http_requests: int = 0) -> None:
        """Count one ended call (a RESPONSES row)."""
        self.sent += 1
        self.http_requests += http_requests
        self.usage += Usage(row["prompt_tokens"], row["cached_tokens"], row["completion_tokens"])
        if row["cost_usd"] is None:
            self.cost_usd = None
        elif self.cost_usd is not None:
            self.cost_usd += row["cost_usd"]
        if row["status"] == "ok":
            self.ok += 1
        else:
            self.failed += 1
            reason = (row["reason"] or "").partition(":")[0]
            self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def include(self, other: "Summary") -> None:
        """Add another's numbers; times are left alone."""
        for name in ("requested", "cached", "known_failed", "pending", "put_aside", "sent", "ok",
                     "failed", "http_requests"):  # fmt: skip
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.usage += other.usage
        unknown = self.cost_usd is None or other.cost_usd is None
        self.cost_usd = None if unknown else (self.cost_usd or 0.0) + (other.cost_usd or 0.0)
        for reason, n in other.reasons.items():
            self.reasons[reason] = self.reasons.get(reason, 0) + n
        self.stopped = self.stopped or other.stopped

    @property
    def done(self) -> int:
        """Calls that need no further work."""
        return self.cached + self.known_failed + self.pending + self.ok + self.failed


def now() -> datetime:
    """The moment of an answer, in UTC."""
    return datetime.now(UTC)
