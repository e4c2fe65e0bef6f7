"""What a worker does, without Dagster and torch, which take its process seconds to import."""

import contextlib
import time
from multiprocessing.connection import Connection
from pathlib import Path

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.settings import Settings


def obey(command: Connection, settings: Settings) -> None:
    """Leaves a file for each training; "bad" fails at once, "slow" ends after it has."""
    with contextlib.suppress(EOFError):
        while True:
            training = command.recv()
            Path(settings.lake, f"{training}.begun").touch()
            if training == "bad":
                error = RecfeatError("made_from.json is not valid JSON.")
                error.add_note("Traceback, for --debug")
                command.send(error)
                return
            while training == "slow" and not Path(settings.lake, "bad.begun").exists():
                time.sleep(0.01)
            command.send((1, 1))
            Path(settings.lake, f"{training}.ended").touch()
            command.send(None)


def train_for_ever(command: Connection, settings: Settings) -> None:
    """Takes one step, and lives until it is killed."""
    command.recv()
    command.send((1, 10))
    time.sleep(3600)
