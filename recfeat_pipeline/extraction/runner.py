"""The run: calls in, valid answers or failed rows out, whatever the network and the model do."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.prices import Price
from recfeat_pipeline.extraction.requests import user_message
from recfeat_pipeline.extraction.rows import response_row
from recfeat_pipeline.extraction.throttle import ClosedError, Throttle
from recfeat_pipeline.extraction.tokens import rough_tokens
from recfeat_pipeline.extraction.types import (
    Answer,
    Backend,
    ItemError,
    Limits,
    RejectedError,
    Request,
    Summary,
    TransientError,
    Usage,
)
from recfeat_pipeline.extraction.validation import FINAL, InvalidError, check

GRACE_S = 10.0  # for calls in flight when the run has to end


@dataclass(slots=True)
class Job:
    """A call, and where its row goes when it has ended."""

    request: Request
    keep: Callable[[dict[str, Any], int], None]
    http_requests: int = 0


class BudgetReached(Exception):
    """The next call could pass the budget."""


class Runner:
    """Works through jobs with one backend; one per run, shared by all its shards.

    Raises:
        RecfeatError: a budget was set for a model without a price.
    """

    def __init__(self, backend: Backend, limits: Limits, price: Price | None):
        if limits.budget_usd is not None and price is None:
            raise RecfeatError(
                f"A budget needs a price, and no table lists the model {backend.model!r}. Add it "
                "to prices.toml in RECFEAT_PROMPTS, or run without a budget."
            )
        self.backend, self.limits, self.price = backend, limits, price
        self.throttle = Throttle(limits)
        self.total = Summary()
        self._reserved = 0.0  # dollars that calls in flight may still cost
        self._ended = asyncio.Event()  # a call gave its part of them back
        self._suspects: list[Callable[[], None]] = []  # refused before the first answer
        self._first_refusal = ""

    async def run(self, jobs: AsyncIterator[Job]) -> None:
        """Answer every job; returns when all have ended or the budget is reached.

        Raises:
            RecfeatError: the endpoint is dead or misconfigured. What was answered is kept.
        """
        # A quarter more than may be in flight: a place that is freed is taken at once, by a call
        # that is ready, while the answer is checked and kept.
        n = self.limits.concurrency
        workers = 1 if self.backend.instant else n + n // 4
        turn, stop = asyncio.Lock(), asyncio.Event()

        async def work() -> None:
            while not stop.is_set():
                async with turn:
                    job = await anext(jobs, None)
                if job is None:
                    return
                try:
                    await self._answer(job)
                except BaseException:
                    stop.set()
                    raise

        # A fixed crowd on one queue: memory does not grow with the number of jobs.
        tasks = [asyncio.create_task(work()) for _ in range(workers)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            if any(task.exception() for task in done):
                await self._wind_down(tasks)
            if self._suspects:
                raise self._refused(self._first_refusal)
        except BudgetReached:
            self.total.stopped = (
                f"The budget of ${self.limits.budget_usd:,.2f} is reached "
                f"(${self.total.cost_usd or 0:,.2f} spent); raise it and run again to go on."
            )
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _wind_down(self, tasks: list[asyncio.Task[None]]) -> None:
        """Begin nothing more; what is in flight may end, for it may have been paid. Raises why."""

        def why() -> list[BaseException]:
            errors = [e for t in tasks if t.done() and not t.cancelled() and (e := t.exception())]
            return [e for e in errors if not isinstance(e, ClosedError)]

        if all(isinstance(error, BudgetReached) for error in why()):
            await asyncio.wait(tasks)
        else:
            await self.throttle.close()
            await asyncio.wait(tasks, timeout=GRACE_S)
        raise min(
            why(), key=lambda e: (isinstance(e, BudgetReached), not isinstance(e, RecfeatError))
        )

    async def _answer(self, job: Job) -> None:
        """One job to its end: an "ok" row, a "failed" row, or an exception that ends the run."""
        request = job.request
        reserve = await self._reserve(request)
        usage, answer, attempt, reminder = Usage(), Answer(None), 0, None
        status, reason, refused = "failed", None, False
        started = time.perf_counter()
        try:
            for attempt in range(self.limits.reasks + 1):
                answer = await self._deliver(job, attempt, reminder)
                usage += answer.usage
                try:
                    check(answer, request)
                except InvalidError as error:
                    reason, reminder = str(error), error.reminder
                    if error.reason in FINAL:
                        break
                else:
                    status, reason = "ok", None
                    break
        except ItemError as error:
            reason = str(error)
        except RejectedError as error:
            reason, refused = f"rejected: {error}", not self.throttle.answered
            if refused and self._suspects:
                raise self._refused(str(error)) from None
            self._first_refusal = str(error)
        finally:
            self._reserved -= reserve
            self._ended.set()
        cost = self.price.cost(usage) if self.price else None
        latency = answer.latency_ms or (time.perf_counter() - started) * 1e3
        ended = response_row(
            request, self.backend.name, answer.content, status, reason, attempt + 1, usage, cost,
            latency,
        )  # fmt: skip

        def keep() -> None:
            self.total.add(ended, job.http_requests)
            job.keep(ended, job.http_requests)

        if refused:  # this item's fault, or a wrong setting? The next call will tell.
            self._suspects.append(keep)
            return
        while self._suspects:
            self._suspects.pop()()
        keep()

    async def _deliver(self, job: Job, attempt: int, reminder: str | None) -> Answer:
        """One ask through the gate, with transport retries."""
        if self.backend.instant:
            job.http_requests += 1
            return await self.backend.ask(job.request, attempt, reminder)
        expected, tries = self._expected(job.request), 0
        while True:
            ticket = await self.throttle.enter(*expected)
            job.http_requests += 1
            try:
                answer = await self.backend.ask(job.request, attempt, reminder)
            except TransientError as error:
                self.throttle.closed |= error.unreachable and not self.throttle.answered
                await self.throttle.failed(error, ticket)
                tries += not error.rate_limited
                if self.throttle.closed or self.throttle.hopeless:
                    raise RecfeatError(
                        f"The endpoint does not answer: {error}. Check that it runs and that "
                        "RECFEAT_LLM_BASE_URL is right, then run again; what was answered is kept."
                    ) from None
                if tries >= self.limits.transport_tries:
                    raise ItemError(f"transport: {error}") from None
                await asyncio.sleep(0.1 * 2**tries)
            except BaseException as error:
                self.throttle.closed |= isinstance(error, RecfeatError)  # before the next one goes
                await self.throttle.left()
                raise
            else:
                await self.throttle.succeeded(answer.usage, expected)
                return answer

    def _refused(self, detail: str) -> RecfeatError:
        return RecfeatError(
            f"The endpoint refuses the calls as malformed: {detail}. Check the prompt version's "
            "parameters, and that the server supports response_format json_schema."
        )

    def _expected(self, request: Request) -> tuple[int, int]:
        """Tokens a call is likely to take, for the rates."""
        prompt = rough_tokens(request.question.system) + rough_tokens(request.document)
        sent = self.total.sent
        return prompt, self.total.usage.completion // sent if sent else 300

    async def _reserve(self, request: Request) -> float:
        """Set aside the most this call may cost; waits while calls in flight hold what it needs.

        Raises:
            BudgetReached: it does not fit into what is left of the budget.
        """
        if self.limits.budget_usd is None or self.price is None:
            return 0.0
        # A token has at least one byte; the schema and the chat's frame count as well.
        text = request.question.system + user_message(request.document)
        n_bytes = len(text.encode()) + len(str(request.question.schema)) + 1000
        most = Usage(prompt=n_bytes, completion=request.params.get("max_tokens", 4096))
        cost = self.price.cost(most) * (self.limits.reasks + 1)
        while (self.total.cost_usd or 0) + self._reserved + cost > self.limits.budget_usd:
            if self._reserved < 1e-9:  # nothing but rounding is left of the others' parts
                raise BudgetReached
            self._ended.clear()
            await self._ended.wait()
        self._reserved += cost
        return cost
