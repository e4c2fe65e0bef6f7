"""Progress: a bar with rate and time left on a terminal, a line now and then in a log."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from recfeat_pipeline.commands.output import duration, hint, stderr

LOG_EVERY = 30.0  # seconds between the lines that a log gets


@contextmanager
def bar(title: str, unit: str = "") -> Iterator[Callable[..., None]]:
    """A callback that takes (done, total), shown on stderr; ``unit`` is "B" for bytes.

    A third argument, not empty, replaces the title.
    """
    console = stderr()
    if not console.is_terminal:
        yield LogLines(title, unit)
        return
    columns = (
        TextColumn("  {task.description:<22.22}", markup=False),
        BarColumn(bar_width=12),
        Counts(unit),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total, title="": progress.update(
            task, completed=done, total=total or None, description=title or None
        )


@contextmanager
def fetching() -> Iterator[Callable[[str, int, int], None]]:
    """A callback that takes a file's name and its bytes, done and in all.

    Nothing is shown before the first call: most catalogues lie on this disk.
    """
    with ExitStack() as opened:
        shown: list[Callable[..., None]] = []

        def tell(name: str, done: int, total: int) -> None:
            if not shown:
                shown.append(opened.enter_context(bar(f"Fetching {name}", unit="B")))
            shown[0](done, total, f"Fetching {name}")

        yield tell


class Counts(ProgressColumn):
    """``1,200/8,520  41.3/s``."""

    def __init__(self, unit: str):
        super().__init__()
        self.unit = unit

    def render(self, task: Task) -> Text:
        """One cell."""
        return Text(counts(task.completed, task.total, task.speed, self.unit), no_wrap=True)


class LogLines:
    """A progress callback that prints a plain line every :data:`LOG_EVERY` seconds.

    Work that was done before it began (an interrupted run's) does not count in the rate.
    """

    def __init__(self, title: str, unit: str = ""):
        self.title, self.unit = title, unit
        self.started = self.shown = time.monotonic()
        self.before: int | None = None

    def __call__(self, done: int, total: int, title: str = "") -> None:
        """Print a line if it is time for one."""
        self.title = title or self.title
        now = time.monotonic()
        if self.before is None:
            self.before = done
        if now - self.shown < LOG_EVERY:
            return
        self.shown = now
        rate = (done - self.before) / (now - self.started)
        left = f", {duration((total - done) / rate)} left" if rate and total else ""
        hint(f"  {self.title}: {counts(done, total, rate, self.unit)}{left}")


def counts(done: float, total: float | None, rate: float | None, unit: str = "") -> str:
    """How far, of how much, and how fast."""
    if unit == "B":
        rated = f"  {rate / 1e6:,.1f} MB/s" if rate else ""
        of = f"/{total / 1e6:,.1f}" if total else ""  # a server need not say how much will come
        return f"{done / 1e6:,.1f}{of} MB{rated}"
    rated = f"  {rate:,.{1 if rate < 100 else 0}f}/s" if rate else ""
    return f"{done:,.0f}/{total or 0:,.0f}{rated}"
