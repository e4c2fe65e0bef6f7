"""Where a mistake is made: a folder, an environment, a lake."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from recfeat_pipeline.lake import Lake
from recfeat_pipeline.store import open_store
from recfeat_pipeline_tests.integration.cli_world import CATALOG, write_catalog
from recfeat_pipeline_tests.servers.openai_server import Asked, OpenAIServer

SECRET = "sk-4f1d-never-to-be-seen"


@dataclass
class Place:
    """The working folder, with everything that must be undone afterwards."""

    folder: Path
    scored: Path  # a lake in which one item was scored, to copy from
    patch: pytest.MonkeyPatch
    undo: ExitStack

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def catalog(self, old: str = "", new: str = "") -> None:
        """The good catalogue, with one thing changed in its file."""
        assert old in CATALOG
        write_catalog(self.folder, CATALOG.replace(old, new, 1) if old else CATALOG)

    def change(self, name: str, old: str, new: str) -> None:
        """Change a file of the catalogue in one place."""
        path = self.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def env(self, **variables: str) -> None:
        for name, value in variables.items():
            self.patch.setenv(name, value)

    def lake(self) -> Lake:
        """A lake with one scored item, and its store."""
        root = self.folder / "lake"
        if not root.exists():
            shutil.copytree(self.scored, root)
        return Lake(root)

    def store(self, *statements: str) -> None:
        """Change the lake's feature store."""
        with open_store(self.lake(), read_only=False) as connection:
            for statement in statements:
                connection.execute(statement)

    def hold_store(self) -> None:
        """Another process has the store open for writing."""
        path = str(self.lake().feature_store)
        code = f"import duckdb; c = duckdb.connect({path!r}); print(1, flush=True); input()"
        holder = self.undo.enter_context(
            subprocess.Popen(
                [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        )
        holder.stdout.readline()
        self.undo.callback(holder.communicate, b"\n")

    def hold_port(self, port: int) -> None:
        taken = self.undo.enter_context(socket.socket())
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()

    def llm(self, fault: str | None = None, **options: object) -> OpenAIServer:
        """A loopback endpoint that the settings name, with a key."""
        asked: Callable[[Asked], str | None] | None = (lambda _: fault) if fault else None
        server = self.undo.enter_context(OpenAIServer(fault=asked, **options))
        self.env(RECFEAT_LLM_BASE_URL=server.base_url, RECFEAT_LLM_API_KEY=SECRET)
        self.write("new.txt", "Plot: A film about friendship.")
        return server


@dataclass(frozen=True)
class Mistake:
    """A command line after some preparation, and what its one sentence must say."""

    name: str
    command: str
    said: tuple[str, ...]  # what is wrong, where, and what to do: each stands in the sentence
    prepare: Callable[[Place], object] = lambda place: None
    code: int = 1
