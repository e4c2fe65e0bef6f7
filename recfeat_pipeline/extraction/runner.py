"""The run: calls in, valid answers or failed rows out, whatever the network and the model do."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.breaker import Breaker
from recfeat_pipeline.extraction.budget import Budget, BudgetReached, Hold, worst_case
from recfeat_pipeline.extraction.prices import Price
from recfeat_pipeline.extraction.rows import response_row
from recfeat_pipeline.extraction.spending import Book
from recfeat_pipeline.extraction.suspicion import Refusal, Suspicion, harmless
from recfeat_pipeline.extraction.throttle import ClosedError, Throttle
from recfeat_pipeline.extraction.tokens import rough_tokens
from recfeat_pipeline.extraction.types import (
    Answer,
    Backend,
    EndpointError,
    ItemError,
    Limits,
    RejectedError,
    RephrasedError,
    Request,
    Summary,
    TransientError,
    Usage,
)
from recfeat_pipeline.extraction.validation import FINAL, InvalidError, check, moderated

BACKOFF_S = 0.1  # before the second try of a call; twice as long before each further one
SAID_AFTER = 3  # cool-downs without an answer
DRAIN_S = 10.0  # for calls in flight when the run has to end


@dataclass(slots=True)
class Job:
    """A call, and where its row goes when it has ended."""

    request: Request
    keep: Callable[[dict[str, Any], int], None]
    http_requests: int = 0
    sent_at: float = 0.0  # its last ask


class Stopped(Exception):
    """Somebody asked the run to end."""


class SuspectedError(Exception):
    """While the call waited, another one of its item was refused: it waits for the verdict."""


class DeadEndpointError(EndpointError):
    """Nobody answers; any other reason to end says more."""


class Runner:
    """Works through jobs with one backend; one per run, shared by all its shards.

    Args:
        backend: who answers.
        limits: rates, concurrency, budgets.
        price: the model's, if a table has it.
        book: where the lake's spending is written down; None: nowhere.
        note: called with a sentence for the user.

    Raises:
        RecfeatError: a budget was set for a model without a price.
    """

    def __init__(
        self,
        backend: Backend,
        limits: Limits,
        price: Price | None,
        book: Book | None = None,
        note: Callable[[str], None] = lambda sentence: None,
    ):
        self.backend, self.limits, self.price = backend, limits, price
        self.budget = Budget(limits, price, book, backend.model)
        self.throttle = Throttle(limits)
        self.total = Summary()
        self._note, self._said = note, ""
        self._suspicion = Suspicion()
        self._breaker = Breaker()
        self._parked: list[Job] = []  # calls of items under suspicion
        self._failing: set[int | str] = set()  # items without an answer since the last one
        self._served: Request | None = None  # the last one with a valid answer
        self._no_doubt = False  # every refusal is its item's failure
        self._sure = asyncio.Event()  # cleared while a harmless document is asked about
        self._sure.set()
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Send nothing more; what is in flight gets some seconds. Call it in the run's loop."""
        self._stop.set()

    async def run(self, jobs: AsyncIterator[Job]) -> None:
        """Answer every job; returns when all have ended, a budget is reached, or it was stopped.

        Raises:
            RecfeatError: the endpoint is dead or misconfigured, or its answers are worth nothing.
                What was answered is kept.
        """
        try:
            await self._crowd(jobs)
            await self._end_of_doubt()
            self._breaker.over()
        except BudgetReached as reached:
            self.total.stopped = str(reached)
        except Stopped:
            self.total.stopped = (
                "Stopped as asked: calls in flight were waited for, what was answered is kept. "
                "Run again to go on."
            )
        finally:
            self.budget.settle()

    async def _end_of_doubt(self) -> None:
        """Nobody else is left to be asked."""
        if self._suspicion:
            await self._decide(self._suspicion.last.request)
        self._no_doubt = True
        await self._crowd(_each(self._parked))

    async def _crowd(self, jobs: AsyncIterator[Job]) -> None:
        # A quarter more than may be in flight: a place that is freed is taken at once, by a call
        # that is ready, while the answer is checked and kept.
        n = self.limits.concurrency
        turn, ended = asyncio.Lock(), asyncio.Event()

        async def work() -> None:
            while not ended.is_set():
                async with turn:
                    job = await self._next(jobs)
                if job is None:
                    return
                try:
                    await self._answer(job)
                except BaseException as error:
                    ended.set()
                    self.throttle.closed |= isinstance(error, RecfeatError)
                    raise

        async def stopped() -> None:
            await self._stop.wait()
            ended.set()
            raise Stopped

        # A fixed crowd on one queue: memory does not grow with the number of jobs.
        workers = 1 if self.backend.instant else n + n // 4
        tasks = [asyncio.create_task(work()) for _ in range(workers)]
        crowd: asyncio.Future[Any] = asyncio.gather(*tasks)
        watch = asyncio.create_task(stopped())
        try:
            await asyncio.wait([crowd, watch], return_when=asyncio.FIRST_COMPLETED)
            if watch.done() or crowd.exception():
                await self._wind_down(tasks, watch)
        finally:
            for task in (crowd, watch, *tasks):
                task.cancel()
            await asyncio.gather(crowd, watch, *tasks, return_exceptions=True)

    async def _next(self, jobs: AsyncIterator[Job]) -> Job | None:
        """The next call; those of items under suspicion wait for the verdict."""
        while True:
            if self._parked and not self._suspicion:
                return self._parked.pop()
            job = await anext(jobs, None)
            if job is None or not self._suspicion.about(job.request.item_id):
                return job
            self._parked.append(job)

    async def _wind_down(self, tasks: list[asyncio.Task[None]], watch: asyncio.Task[None]) -> None:
        """Begin nothing more; what is in flight may end, for it may have been paid. Raises why."""

        def why() -> list[BaseException]:
            ended = [t for t in (*tasks, watch) if t.done() and not t.cancelled()]
            errors = [error for task in ended if (error := task.exception())]
            return [error for error in errors if not isinstance(error, ClosedError)]

        if all(isinstance(error, BudgetReached) for error in why()):
            rest: asyncio.Future[Any] = asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.wait([rest, watch], return_when=asyncio.FIRST_COMPLETED)
            if not rest.done():
                await asyncio.wait([rest], timeout=DRAIN_S)
        else:
            await self.throttle.close()
            await asyncio.wait(tasks, timeout=DRAIN_S)
        raise min(why(), key=_says_little)

    async def _answer(self, job: Job) -> None:
        """One job to its end: an "ok" row, a "failed" row, or an exception that ends the run."""
        request = job.request
        hold = await self.budget.hold(self._worst(request), self.limits.reasks + 1)
        usage, answer, attempt, reminder = Usage(), Answer(None), 0, None
        status, reason = "failed", None
        refusal: RejectedError | None = None
        started = time.perf_counter()
        try:
            for attempt in range(self.limits.reasks + 1):
                answer = await self._deliver(job, hold, attempt, reminder)
                usage += answer.usage
                try:
                    check(answer, request)
                except InvalidError as error:
                    reason, reminder = str(error), error.reminder
                    if error.reason in FINAL:
                        break
                else:
                    status, reason, self._served = "ok", None, request
                    await self.throttle.widen()
                    break
        except ItemError as error:
            reason = str(error)
        except RejectedError as error:
            reason, refusal = f"rejected: {error}", error
        except SuspectedError:
            self._parked.append(job)
            return
        finally:
            hold.close()
        latency = answer.latency_ms or (time.perf_counter() - started) * 1e3
        ended = response_row(
            request, self.backend.name, answer.content, status, reason, attempt + 1, usage,
            hold.cost if self.price else None, latency,
        )  # fmt: skip

        def keep() -> None:
            self.total.add(ended, job.http_requests)
            job.keep(ended, job.http_requests)
            self._breaker.ended(ended)

        if refusal is not None and not self._no_doubt:
            why, words = refusal.sign, str(refusal)
            self._suspicion.hold(Refusal(request, why, words, time.monotonic(), keep))
        else:
            if answer.content is not None:
                self._suspicion.answered(job.sent_at)
            keep()
        if (self._suspicion.crowded or self._breaker.doubt) and self._sure.is_set():
            await self._decide(request)

    async def _decide(self, request: Request) -> None:
        """The items' fault, or everyone's? A document that nobody minds will tell.

        Raises:
            RecfeatError: it is everyone's.
        """
        self._sure.clear()
        if self._suspicion and self._suspicion.last.sign == "transport":
            # A group that always runs into the time-out is no dead endpoint: the breaker's matter.
            request = self._served or request
        asked, sent_at = Job(harmless(request), keep=lambda row, n: None), time.monotonic()
        hold = Hold(self.budget, self._worst(asked.request))
        try:
            hold.again()
            served = not moderated(await self._deliver(asked, hold, 0, None))
        except (ItemError, RejectedError):
            served = False
        finally:
            hold.close()
            self._sure.set()
        if not served and (self._breaker.doubt or self._suspicion):
            raise self._breaker.doubt or self._refused(self._suspicion.last)
        if self._breaker.doubt:
            self._breaker.acquit()
        self._suspicion.harmless_answered(sent_at)

    async def _deliver(self, job: Job, hold: Hold, attempt: int, reminder: str | None) -> Answer:
        """One ask through the gate, with transport retries."""
        if self.backend.instant:
            job.http_requests += 1
            return await self.backend.ask(job.request, attempt, reminder)
        expected, tries = self._expected(job.request), 0
        while True:
            sent_at = job.sent_at = await self.throttle.enter(*expected)
            if not self._sure.is_set() and job.request.key:
                await self.throttle.left()
                await self._sure.wait()
                continue
            if not job.http_requests and self._suspicion.about(job.request.item_id):
                await self.throttle.left()
                raise SuspectedError
            job.http_requests += 1
            try:
                answer = await self.backend.ask(job.request, attempt, reminder)
            except TransientError as error:
                if error.billed:
                    hold.lost()
                self.throttle.closed |= error.unreachable and not self.throttle.answered
                nothing_left = self.throttle.nothing_left(error, sent_at)
                self.throttle.closed |= nothing_left is not None
                await self.throttle.failed(error, sent_at)
                if nothing_left:
                    raise nothing_left from None
                self._say_waiting(error)
                tries += not error.rate_limited
                self._failing.add(job.request.item_id)
                alone_in_it = len(self._failing) == 1 and not error.rate_limited
                if self.throttle.closed or (self.throttle.hopeless and not alone_in_it):
                    raise DeadEndpointError(
                        f"The endpoint does not answer: {error}. Check that it runs and that "
                        "RECFEAT_LLM_BASE_URL is right, then run again; what was answered is kept."
                    ) from None
                if tries >= self.limits.transport_tries:
                    raise RejectedError(f"transport: {error}", sign="transport") from None
                if error.billed:
                    hold.again()
                await asyncio.sleep(BACKOFF_S * 2**tries)
            except RephrasedError:
                await self.throttle.left()
                hold.grow(self._worst(job.request), self.limits.reasks + 1 - attempt)
            except BaseException as error:
                self.throttle.closed |= isinstance(error, RecfeatError)  # before the next one goes
                if isinstance(error, asyncio.CancelledError):
                    hold.lost()  # it was sent, and nobody waits for its answer
                await self.throttle.left()
                raise
            else:
                hold.answered(answer)
                self._failing.clear()
                await self.throttle.succeeded(answer.usage, expected, sent_at)
                return answer

    def _say_waiting(self, error: TransientError) -> None:
        """Say, once for each thing that the server says, what the run is waiting for."""
        if self.throttle.cooling.in_a_row >= SAID_AFTER and str(error) != self._said:
            self._said = str(error)
            self._note(f"Waiting: the endpoint says “{error}” again and again. Ctrl-C ends it.")

    def _refused(self, refusal: Refusal) -> RecfeatError:
        if refusal.sign == "transport":
            return DeadEndpointError(
                f"The endpoint answers nobody: {refusal.detail.removeprefix('transport: ')}. Check "
                "that it runs and that RECFEAT_LLM_BASE_URL is right, then run again; what was "
                "answered is kept."
            )
        said = refusal.detail.rstrip(".")
        return EndpointError(
            f"The endpoint refuses the calls: {said}. Check the key's rights, the prompt version's "
            "parameters, and that the server supports response_format json_schema."
        )

    def _worst(self, request: Request) -> Usage:
        if not self.price or self.backend.instant:
            return Usage()
        endpoint = self.backend.endpoint
        return worst_case(request, endpoint.dialect.params(request.params) if endpoint else None)

    def _expected(self, request: Request) -> tuple[int, int]:
        """Tokens a call is likely to take, for the rates."""
        prompt = rough_tokens(request.question.system) + rough_tokens(request.document)
        sent = self.total.sent
        return prompt, self.total.usage.completion // sent if sent else 300


def _says_little(error: BaseException) -> int:
    """Order of reasons to end, when there are several: the one that says most first."""
    if isinstance(error, BudgetReached | Stopped):
        return 3
    if isinstance(error, DeadEndpointError):
        return 2
    return 0 if isinstance(error, RecfeatError) else 1


async def _each(jobs: list[Job]) -> AsyncIterator[Job]:
    while jobs:
        yield jobs.pop()
