"""What a worker does, without Dagster and torch, which take its process seconds to import."""

import contextlib
import time
from multiprocessing.connection import Connection
from pathlib import Path

from recfeat_pipeline.errors import RecfeatError


def obey(command: Connection, folder: str) -> None:
    """Leaves a file for each training; "bad" fails at once, "slow" ends after it has."""
    with contextlib.suppress(EOFError):
        while True:
            training = command.recv()
            Path(folder, f"{training}.begun").touch()
            if training == "bad":
                error = RecfeatError("made_from.json is not valid JSON.")
                error.add_note("Traceback, for --debug")
                command.send(error)
                return
            while training == "slow" and not Path(folder, "bad.begun").exists():
                time.sleep(0.01)
            command.send((1, 1))
            Path(folder, f"{training}.ended").touch()
            command.send(None)


def train_for_ever(command: Connection, folder: str) -> None:
    """Takes one step, and lives until it is killed."""
    command.recv()
    command.send((1, 10))
    time.sleep(3600)
