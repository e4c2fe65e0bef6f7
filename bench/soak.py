"""``python -m bench soak``: ``kill -9`` at random moments of every stage, through the command.

A small catalogue runs from its files to the report against a loopback server that fails in a fifth
of its answers. The command is killed in the stage that is next in turn, after a random part of what
that stage took undisturbed, and started again; a daemon with its runs is killed in between. Printed
are hangs, calls bought twice beyond those in flight, and where the store differs from that of an
undisturbed run.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg
import polars as pl

from recfeat_pipeline.commands.run import STAGE_TITLES
from recfeat_pipeline.defs.instance import open_instance
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.store import open_store
from recfeat_pipeline_tests.integration.cli_world import N_ITEMS, write_catalog
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer, by_rate

COMMAND = [sys.executable, "-m", "recfeat_pipeline.cli", "run", "--arms", "popularity,floor,llm"]
SHORT = ["--seeds", "0,1", "--steps", "60", "--workers", "2", "--yes"]
DAEMON = [str(Path(sys.executable).with_name("dagster-daemon")), "run"]
LOCATION = ["-m", "recfeat_pipeline.definitions"]
IN_FLIGHT, LATENCY = 4, 0.2
MILD = ("500", "503", "429", "drop", "not_json", "nan")  # a call that fails so is asked again
VOLATILE = {
    "generated_at",
    "created_at",
    "made_at",
    "seconds",
    "attempts",
    "latency_ms",
    "cost_usd",
}
VOLATILE |= {"prompt_tokens", "cached_tokens", "completion_tokens"}  # of the attempts that failed


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=60, help="of the command")
    parser.add_argument("--daemon-kills", type=int, default=5, help="of the daemon and its runs")
    parser.add_argument("--faults", type=float, default=0.2, help="share of bad answers")
    parser.add_argument("--patience", type=float, default=900, help="seconds until a hang is one")
    parser.add_argument("--minutes", type=float, default=600, help="begin no further kill after")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="recfeat-soak-") as folder:
        Soak(Path(folder), options).run()


class Soak:
    """One soak: a world, a reference, rounds of kills, a count."""

    def __init__(self, folder: Path, options: argparse.Namespace):
        self.folder, self.options = folder, options
        self.random = random.Random(options.seed)
        self.kills: Counter[str] = Counter()
        self.hangs: list[str] = []
        self.again = self.in_flight = 0  # calls bought more than once; those lost by kills
        self.differences: list[str] = []
        self.deadline = time.monotonic() + 60 * options.minutes
        write_catalog(folder)

    def run(self) -> None:
        with self.world("quiet", faults=0) as (lake, server):
            took = self.undisturbed()
            self.expected = tables(lake)
            print(
                f"undisturbed: {server.counts['chat']} calls, {sum(took.values()):.0f} s",
                flush=True,
            )
        turn = self.turns(took)
        n_round = 0
        while self.more():
            n_round += 1
            with self.world(f"round{n_round}", self.options.faults) as (lake, server):
                self.one_round(lake, server, turn)
        self.report()

    def more(self) -> bool:
        n_killed = sum(n for stage, n in self.kills.items() if stage != "daemon")
        enough = n_killed >= self.options.kills
        enough = enough and self.kills["daemon"] >= self.options.daemon_kills
        return not enough and time.monotonic() < self.deadline

    def turns(self, took: dict[str, float]) -> Iterator[tuple[str, float]]:
        """Stage after stage, with a random part of the time that it takes."""
        while True:
            for stage, seconds in took.items():
                yield stage, self.random.uniform(0, seconds)

    def one_round(
        self, lake: Lake, server: OpenAIServer, turn: Iterator[tuple[str, float]]
    ) -> None:
        """Three times through the stages, then to the end."""
        for _ in range(3 * len(STAGE_TITLES)):
            if not self.more():
                break
            self.kill_command(server, *next(turn))
        if self.kills["daemon"] < self.options.daemon_kills:
            self.kill_daemon(lake)
        if not self.ends("the command after its kills", subprocess.Popen(
            [*COMMAND, *SHORT], cwd=self.folder, stdout=subprocess.DEVNULL,
            stderr=(self.folder / "last.txt").open("w"), start_new_session=True,
        )):  # fmt: skip
            return
        self.again += sum(n - 1 for n in server.answered.values())
        found = tables(lake)
        self.differences += [
            f"{lake.root}: {name}"
            for name in self.expected.keys() | found.keys()
            if name not in found or not found[name].equals(self.expected.get(name))
        ]
        with open_instance(lake) as instance:
            left = [run.run_id for run in instance.get_runs() if not run.is_finished]
            held = instance.event_log_storage.get_concurrency_run_ids()
        if left or held:
            self.hangs.append(f"left behind: runs {left}, in pools {held}")

    # -- the command ---------------------------------------------------------------------------

    def undisturbed(self) -> dict[str, float]:
        """Seconds of each stage."""
        log = self.folder / "quiet.txt"
        with log.open("w") as err:
            process = subprocess.Popen(
                [*COMMAND, *SHORT], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=err
            )
        began: dict[str, float] = {}
        while process.poll() is None:
            for stage, title in STAGE_TITLES.items():
                if stage not in began and title in log.read_text():
                    began[stage] = time.monotonic()
            time.sleep(0.02)
        assert process.returncode == 0, log.read_text()
        ends = [*list(began.values())[1:], time.monotonic()]
        return {stage: end - start for (stage, start), end in zip(began.items(), ends, strict=True)}

    def kill_command(self, server: OpenAIServer, stage: str, after: float) -> None:
        log = self.folder / "killed.txt"
        with log.open("w") as err:
            process = subprocess.Popen(
                [*COMMAND, *SHORT], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=err,
                start_new_session=True,
            )  # fmt: skip
        title = STAGE_TITLES[stage]
        if not self.comes(stage, lambda: title in log.read_text() or process.poll() is not None):
            print(log.read_text(), flush=True)
        if stage == "extraction":  # which takes no time once all is bought
            enough = server.counts["chat"] + self.random.randint(1, 30)
            self.comes(stage, lambda: server.counts["chat"] >= enough or process.poll() is not None)
        else:
            time.sleep(after)
        self.in_flight += server._under_way
        if process.poll() is None:
            self.kills[stage] += 1
        kill_group(process)
        print(f"killed in {stage} after {after:.1f} s", flush=True)

    def ends(self, what: str, process: subprocess.Popen) -> bool:
        came = self.comes(what, lambda: process.poll() is not None)
        kill_group(process)
        if came and process.returncode != 0:
            said = (self.folder / "last.txt").read_text()
            self.hangs.append(f"{what} ended with {process.returncode}: {said[-500:]}")
        return came and process.returncode == 0

    # -- the daemon ----------------------------------------------------------------------------

    def kill_daemon(self, lake: Lake) -> None:
        """Kill it while it refreshes each minute; then see one refresh end under another."""
        for last in (False, True):
            with (self.folder / "daemon.txt").open("w") as log:
                process = subprocess.Popen(
                    [*DAEMON, *LOCATION], cwd=self.folder, stdout=log, stderr=log,
                    env={**os.environ, "DAGSTER_HOME": str(lake.state / "dagster_home"),
                         "RECFEAT_AUTOMATION": "1", "RECFEAT_REFRESH_CRON": "* * * * *"},
                    start_new_session=True,
                )  # fmt: skip
            since = time.time()
            if last:
                self.comes("a refresh under the next daemon", lambda: refreshed(lake, since))  # noqa: B023
            else:
                self.comes("the daemon's first run", lambda: refreshing(lake, since))  # noqa: B023
                time.sleep(self.random.uniform(0, 10))
                self.kills["daemon"] += 1
            kill_group(process)
            print("killed the daemon", flush=True)

    # -- helpers -------------------------------------------------------------------------------

    def comes(self, what: str, is_so: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + self.options.patience
        while not is_so():
            if time.monotonic() > deadline:
                self.hangs.append(f"{what}: not within {self.options.patience:.0f} s")
                return False
            time.sleep(0.05)
        return True

    @contextmanager
    def world(self, name: str, faults: float) -> Iterator[tuple[Lake, OpenAIServer]]:
        """A new lake and server, of which the environment tells."""
        fault = by_rate(dict.fromkeys(MILD, faults / len(MILD)))
        with OpenAIServer(latency=LATENCY, fault=fault) as server:
            os.environ |= {
                "RECFEAT_LAKE": str(self.folder / name),
                "RECFEAT_CATALOG": str(self.folder / "little.toml"),
                "RECFEAT_LLM_BASE_URL": server.base_url,
                "RECFEAT_LLM_CONCURRENCY": str(IN_FLIGHT),
            }
            os.environ.pop("DAGSTER_HOME", None)
            yield Lake(self.folder / name), server

    def report(self) -> None:
        killed = ", ".join(f"{stage} {n}" for stage, n in self.kills.items())
        print(f"\nkills: {self.kills.total()} ({killed})")
        print(f"calls of {6 * N_ITEMS} a round bought again: {self.again}; in flight at the kills: "
              f"{self.in_flight}; beyond: {max(self.again - self.in_flight, 0)}")  # fmt: skip
        print(f"hangs: {len(self.hangs)}")
        print(f"tables that differ from the undisturbed run's: {len(self.differences)}")
        for line in (*self.hangs, *self.differences):
            print(f"- {line}")


def kill_group(process: subprocess.Popen) -> None:
    """SIGKILL for a process and what it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def refreshing(lake: Lake, since: float) -> bool:
    return any(run.status == dg.DagsterRunStatus.STARTED for run in _refreshes(lake, since))


def refreshed(lake: Lake, since: float) -> bool:
    return any(run.is_success for run in _refreshes(lake, since))


def _refreshes(lake: Lake, since: float) -> list[dg.DagsterRun]:
    with dg.DagsterInstance.from_config(str(lake.state / "dagster_home")) as instance:
        records = instance.get_run_records(dg.RunsFilter(job_name="refresh_text"))
    return [r.dagster_run for r in records if r.create_timestamp.timestamp() > since]


def tables(lake: Lake) -> dict[str, pl.DataFrame]:
    """Every table of the store, without what depends on the hour, in an order of its content."""
    found = {}
    with open_store(lake.feature_store) as store:
        names = store.sql(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables() "
            "WHERE schema_name NOT IN ('main', 'ops')"
        ).fetchall()
        for (name,) in names:
            frame = store.sql(f"FROM {name}").pl()
            frame = frame.drop(VOLATILE & set(frame.columns))
            found[name] = frame.select(pl.struct(pl.all()).hash(0).sort().alias("row"))
    return found
