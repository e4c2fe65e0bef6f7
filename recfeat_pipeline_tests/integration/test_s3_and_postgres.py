"""The whole pipeline on two machines that share an S3 server and a Postgres, a kill on either.

Runs where the extras and the servers are (see ``servers/services.py``); ``-s`` prints the counts.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.integration.cli_world import N_ITEMS, write_catalog
from recfeat_pipeline_tests.servers import services
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer

reason = services.missing()
pytestmark = pytest.mark.skipif(reason is not None, reason=str(reason))

GROUPS, CONCURRENCY, LATENCY = 6, 2, 0.4
PATIENCE = 1_500.0  # seconds, on a machine that is busy with other things
SHIPPED = 5.0  # seconds between two shipments
LAKE = "s3://lake/little"
DEPLOY = Path(__file__).parents[2] / "deploy"
RUN = ("--catalog", "little.toml", "--arms", "popularity,llm", "--seeds", "0", "--steps", "5")


class Machine:
    """A home of its own: state, Dagster's configuration, nothing of the other machine."""

    def __init__(self, folder: Path, name: str, shared: dict[str, str]):
        self.folder, self.home = folder, folder / name
        dagster_home = self.home / "dagster"
        dagster_home.mkdir(parents=True)
        shutil.copy(DEPLOY / "dagster.yaml", dagster_home)
        own = {"HOME": str(self.home), "DAGSTER_HOME": str(dagster_home)}
        self.environment = {**os.environ, **shared, **own}

    def start(self, *arguments: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "recfeat_pipeline.cli", *arguments]
        with (self.home / "log.txt").open("ab") as log:
            return subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def finish(self, *arguments: str, code: int = 0) -> None:
        assert self.start(*arguments).wait(timeout=PATIENCE) == code, self.said

    @property
    def said(self) -> str:
        return (self.home / "log.txt").read_text()

    def killed_when(self, is_so, *arguments: str) -> None:
        process = self.start(*arguments)
        deadline = time.monotonic() + PATIENCE
        while not is_so():
            assert process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def world(tmp_path):
    """Both machines, the lake as a third sees it, and the LLM."""
    write_catalog(tmp_path)
    with (
        services.s3(tmp_path, "lake") as client,
        services.postgres(tmp_path) as history,
        OpenAIServer(latency=LATENCY) as server,
    ):
        shared = {
            **client,
            "RECFEAT_LAKE": LAKE,
            "DAGSTER_POSTGRES_URL": history,
            "RECFEAT_LLM_BASE_URL": server.base_url,
            "RECFEAT_LLM_CONCURRENCY": str(CONCURRENCY),
            "RECFEAT_WORKERS": "1",
        }
        machines = [Machine(tmp_path, name, shared) for name in ("a", "b")]
        yield *machines, Lake(LAKE), server


def test_two_machines_are_killed_in_turn_and_the_work_is_done_once(world):
    first, second, lake, server = world
    n_calls = N_ITEMS * GROUPS

    first.killed_when(lambda: server.answered.total() >= 40, "run", *RUN)
    by_first, arrived = len(server.answered), lake.read("responses").height
    second.killed_when(lambda: len(server.answered) >= 70, "run", *RUN)
    by_both, kept = len(server.answered), lake.read("responses")["cache_key"].n_unique()
    first.finish("run", *RUN)

    twice = server.answered.total() - n_calls
    print(
        f"{n_calls} calls: {by_first} on the first machine until its kill ({arrived} had left it), "
        f"{by_both - by_first} on the second until its kill ({kept} had left both); "
        f"bought twice {twice}"
    )
    assert len(server.answered) == n_calls
    a_shipment = SHIPPED / LATENCY * CONCURRENCY
    assert twice <= 2 * (a_shipment + CONCURRENCY)
    assert max(server.answered.values()) <= 3

    second.finish("status", "--exit-code")
    second.finish("report", "-o", "report.html")
    second.finish("run", *RUN)  # nothing is left to do
    assert server.answered.total() == n_calls + twice
    assert (first.folder / "report.html").stat().st_size > 10_000
    version = lake.read_note("store")["version"]
    cached = list((second.home / ".recfeat").glob("*/feature_store/*.duckdb"))
    assert version in {path.stem for path in cached}, "the second machine has fetched it"
    best = lake.glob("runs/arm=llm/seed=0/checkpoints/*")
    assert best, "the model lies with its run"
