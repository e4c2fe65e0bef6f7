"""Several requests under way at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any


async def in_parallel(jobs: Any, work: Callable[[Any], Awaitable[None]], workers: int) -> None:
    """Run ``work`` on every job, at most ``workers`` at once, taking jobs only as they start.

    The first exception cancels the rest and is raised as it is.
    """
    queue = iter(jobs)

    async def worker() -> None:
        for job in queue:
            await work(job)

    tasks = [asyncio.create_task(worker()) for _ in range(workers)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
