"""Training in several processes, each taking the next (arm, seed) that waits.

A step of these models is hundreds of small operations, which a second core hardly speeds up: cores
are better spent on models beside each other. What a worker does is what the command's own process
would do, an ordinary run of one partition on the same Dagster instance.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
import traceback
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing import connection, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Self, cast

from recfeat_pipeline.defs.executing import Execution, Training
from recfeat_pipeline.defs.instance import join_instance
from recfeat_pipeline.defs.resources import Progress, Reporter
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.machine import cores, memory
from recfeat_pipeline.models.arms import Arm
from recfeat_pipeline.settings import Settings

BASE_MEMORY, EVENT_MEMORY = 1.0e9, 200
"""Bytes that a worker takes at most, and those for each event of the catalogue."""
INTERRUPTS = {signal.SIGINT, signal.SIGTERM}


def default_workers(arms: Sequence[Arm], n_events: int) -> int:
    """How many processes are worth starting to train these arms, one training each.

    On a CPU as many as there are cores, as far as memory reaches. A GPU is kept busy by one; so is
    the command by baselines, which are mostly counted in seconds.
    """
    n_trained = sum(arm.is_trained for arm in arms)
    if n_trained < 2:
        return 1
    import torch

    if torch.accelerator.is_available():
        return 1
    fit_in = memory() / (BASE_MEMORY + EVENT_MEMORY * n_events)
    return max(min(n_trained, cores(), int(fit_in)), 1)


class Workers:
    """Processes that train; leaving the context ends them at once, whatever they are doing.

    A training that is cut short continues from its last checkpoint when it is run again.
    """

    def __init__(self, n: int, settings: Settings):
        self.n, self.settings = n, settings
        self._processes: dict[Connection, SpawnProcess] = {}

    def __enter__(self) -> Self:
        context = multiprocessing.get_context("spawn")
        resource_tracker.ensure_running()  # starting a process would, and would unblock signals
        # Ctrl-C reaches every process of a terminal; this one alone answers, and ends the others.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
        try:
            for number in range(self.n):
                ours, theirs = context.Pipe()
                arguments = (theirs, self.settings)
                process = context.Process(
                    target=_work, args=arguments, name=f"trainer {number}", daemon=True
                )
                process.start()
                theirs.close()  # so that the end of the process is the end of the pipe
                self._processes[ours] = process
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.join()

    def run(self, trainings: Sequence[Training], reporter: Reporter) -> None:
        """Do all trainings. After a failure no other is begun, those under way are finished.

        Raises:
            RecfeatError: a training failed, or its process was killed.
        """
        waiting, idle = deque(trainings), list(self._processes)
        busy: dict[Connection, Training] = {}
        failure: Exception | None = None
        tally = Tally(len(trainings))
        with reporter.bar(tally.title) as progress:
            while True:
                while waiting and idle and failure is None:
                    worker = idle.pop()
                    busy[worker] = waiting.popleft()
                    with contextlib.suppress(BrokenPipeError):  # it is gone, as will be seen below
                        worker.send(busy[worker])
                if not busy:
                    break
                for worker in cast("list[Connection]", connection.wait(list(busy))):
                    match self._hear(worker, busy[worker]):
                        case (int(done), int(total)):
                            tally.steps[busy[worker]] = done, total
                        case None:
                            tally.end(busy.pop(worker))
                            idle.append(worker)
                        case Exception() as error:
                            del busy[worker]
                            failure = failure or error
                tally.show(progress)
        if failure is not None:
            raise failure

    def _hear(self, worker: Connection, training: Training) -> object:
        """(done, total) of the training, None at its end, or why it failed."""
        try:
            return worker.recv()
        except (EOFError, ConnectionError):
            process = self._processes[worker]
            process.join()
            code = process.exitcode or 0
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            return RecfeatError(
                f"The process that trained {training} ended before its time ({how}); if the "
                "machine ran out of memory, train fewer at once (--workers). Run again: what is "
                "done is kept."
            )


class Tally:
    """The trainings' progress as one: steps done, of those that all of them will take."""

    def __init__(self, n: int):
        self.n, self.n_ended = n, 0
        self.steps: dict[Training, tuple[int, int]] = {}  # of those that count any

    @property
    def title(self) -> str:
        """How many have ended."""
        return f"training, {self.n_ended}/{self.n} runs"

    def end(self, training: Training) -> None:
        """It has ended; a model that was there already, or is counted, has taken no step."""
        self.n_ended += 1
        self.steps.setdefault(training, (0, 0))

    def show(self, progress: Progress) -> None:
        """Those that have not begun are taken to be as long as the longest so far."""
        done, totals = zip(*self.steps.values(), strict=True) if self.steps else ((), ())
        if any(totals):
            ahead = (self.n - len(totals)) * max(totals)
            progress(sum(done), sum(totals) + ahead, self.title)


class _Told(Reporter):
    """Tells the command's process how a training goes."""

    def __init__(self, command: Connection):
        self.command = command

    @contextlib.contextmanager
    def bar(self, title: str) -> Iterator[Progress]:
        yield lambda done, total, title="", /: self.command.send((done, total))


def _work(command: Connection, settings: Settings) -> None:
    """What a worker does until it is ended: it is sent trainings, and says how they go."""
    threading.Thread(target=_end_with_command, daemon=True).start()
    warnings.simplefilter("ignore")  # other packages' advice to programmers
    try:
        with join_instance(Lake(settings.lake)) as instance:
            execution = Execution(settings, instance, _Told(command))
            while True:
                execution.train(command.recv())
                command.send(None)
    except (RecfeatError, OSError) as error:  # anything else is a bug, and prints its traceback
        error.add_note(traceback.format_exc())  # for --debug
        command.send(error)


def _end_with_command() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
