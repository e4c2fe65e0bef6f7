"""The rounds of a soak: a lake each, kills, a look at what is left."""

import argparse
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.soak.starting import Command, kill, start_daemon
from bench.soak.stored import left_behind, refreshed, refreshing, tables
from recfeat_pipeline.commands.run import STAGE_TITLES
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.integration.cli_world import N_ITEMS, write_catalog
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer, by_rate

WORDS = ["run", "--arms", "popularity,ease,ease_llm", "--seeds", "0", "--yes"]
IN_FLIGHT, LATENCY = 4, 0.5
MILD = ("500", "503", "429", "drop", "not_json", "nan")  # a call that fails so is asked again
ROUND, DAEMONS = 2, 2  # times through the stages, and kills of the daemon
SHARDS = 2


@dataclass
class Round:
    """What one round has shown."""

    kills: Counter[str] = field(default_factory=Counter)
    hangs: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    bought: int = 0  # answers that the server gave
    again: int = 0  # of these, for calls that it had answered before
    in_flight: int = 0  # at the kills

    @property
    def beyond(self) -> int:
        """Calls bought again although they were not in flight."""
        return max(self.again - self.in_flight, 0)


class Soak:
    """A soak in a folder, which holds a reference lake, a lake a round, and ``rounds.jsonl``."""

    def __init__(self, folder: Path, options: argparse.Namespace):
        self.folder, self.options = folder, options
        self.written = folder / "rounds.jsonl"
        lines = self.written.read_text().splitlines() if self.written.exists() else []
        self.rounds = [Round(**found | {"kills": Counter(found["kills"])})
                       for found in map(json.loads, lines)]  # fmt: skip
        self.random = random.Random(f"{options.seed}/{len(self.rounds)}")
        self.now = Round()
        self.deadline = time.monotonic() + 60 * options.minutes

    def run(self) -> None:
        write_catalog(self.folder)
        os.environ["RECFEAT_LAKE"] = str(self.folder / "quiet")  # for modules loaded beforehand
        took = self.undisturbed()
        self.expected = tables(Lake(self.folder / "quiet"))
        while self.more():
            self.now = Round()
            name = f"round-{len(self.rounds)}-{os.getpid()}"
            with self.world(name, self.options.faults) as (lake, server):
                finished = self.one_round(lake, server, took)
            if finished:
                self.rounds.append(self.now)
                with self.written.open("a") as file:
                    file.write(json.dumps(vars(self.now)) + "\n")
                self.report()

    def more(self) -> bool:
        commands, daemons = self.killed()
        enough = commands >= self.options.kills and daemons >= self.options.daemon_kills
        return not enough and time.monotonic() < self.deadline

    def killed(self) -> tuple[int, int]:
        """Kills of the command and of the daemon, this round's included."""
        total = sum((one.kills for one in (*self.rounds, self.now)), Counter())
        if self.now in self.rounds:
            total -= self.now.kills
        return total.total() - total["daemon"], total["daemon"]

    def one_round(self, lake: Lake, server: OpenAIServer, took: dict[str, float]) -> bool:
        """Some times through the stages, then to the end; False: the time was up."""
        for stage in list(took) * ROUND:
            if time.monotonic() > self.deadline:
                return False
            self.kill_command(server, stage, self.random.uniform(0, took[stage]))
        if self.killed()[1] < self.options.daemon_kills:
            self.kill_daemons(lake)
        log = self.folder / "last.txt"
        last = Command(WORDS, self.folder, log, self.options.warm)
        self.comes("the command after its kills", lambda: last.code is not None)
        if last.code != 0:
            self.now.hangs.append(f"the command after its kills: {last.code}: {log.read_text()}")
        last.kill(children=True)
        self.now.bought = server.answered.total()
        self.now.again = sum(n - 1 for n in server.answered.values())
        found = tables(lake) if last.code == 0 else {}
        self.now.differences = [
            f"{lake.root}: {name}"
            for name in self.expected.keys() | found.keys()
            if name not in found or not found[name].equals(self.expected.get(name))
        ]
        self.now.hangs += left_behind(lake)
        return True

    def undisturbed(self) -> dict[str, float]:
        """Seconds of each stage, from a run that nobody kills."""
        kept = self.folder / "took.json"
        if kept.exists():
            return json.loads(kept.read_text())
        log, began = self.folder / "quiet.txt", {}
        with self.world("quiet", faults=0) as (_, server):
            command = Command(WORDS, self.folder, log, self.options.warm)
            while command.code is None:
                for stage, title in STAGE_TITLES.items():
                    if stage not in began and title in log.read_text():
                        began[stage] = time.monotonic()
                time.sleep(0.02)
            assert command.code == 0, log.read_text()
            print(f"undisturbed: {server.counts['chat']} calls", flush=True)
        ends = [*list(began.values())[1:], time.monotonic()]
        took = {s: end - start for (s, start), end in zip(began.items(), ends, strict=True)}
        print({stage: round(seconds, 1) for stage, seconds in took.items()}, flush=True)
        kept.write_text(json.dumps(took))
        return took

    def kill_command(self, server: OpenAIServer, stage: str, after: float) -> None:
        log, title = self.folder / "killed.txt", STAGE_TITLES[stage]
        workers = ["--workers", "2" if stage == "training" else "1"]
        command = Command([*WORDS, *workers], self.folder, log, self.options.warm)
        over = lambda: command.code is not None  # noqa: E731
        if not self.comes(stage, lambda: title in log.read_text() or over()):
            self.now.hangs.append(log.read_text()[-500:])
        until = time.monotonic() + after
        while time.monotonic() < until and not over():
            time.sleep(0.01)
        if over():
            if command.code != 0:
                self.now.hangs.append(f"{stage}: ended with {command.code}: {log.read_text()}")
            return
        self.now.in_flight += server.under_way
        self.now.kills[stage] += 1
        command.kill(children=self.random.random() < 0.5)
        print(f"killed in {stage} after {after:.1f} s", flush=True)

    def kill_daemons(self, lake: Lake) -> None:
        """Kill it while it refreshes each minute; then see one refresh end under another."""
        home = lake.state / "dagster_home"
        for turn in range(DAEMONS + 1):
            daemon, since = start_daemon(self.folder, self.folder / "daemon.txt", home), time.time()
            if turn == DAEMONS:
                self.comes("a refresh under the next daemon", lambda: refreshed(lake, since), 1.0)  # noqa: B023
            else:
                self.comes("the daemon's run", lambda: refreshing(lake, since), 1.0)  # noqa: B023
                time.sleep(self.random.uniform(0, 10))
                self.now.kills["daemon"] += 1
            kill(daemon.pid, children=True)
            daemon.wait()
            print("killed the daemon", flush=True)

    def comes(self, what: str, is_so: Callable[[], bool], every: float = 0.05) -> bool:
        deadline = time.monotonic() + self.options.patience
        while not is_so():
            if time.monotonic() > deadline:
                self.now.hangs.append(f"{what}: not within {self.options.patience:.0f} s")
                return False
            time.sleep(every)
        return True

    @contextmanager
    def world(self, name: str, faults: float) -> Iterator[tuple[Lake, OpenAIServer]]:
        """A new lake and server, of which the environment tells."""
        lake = Lake(self.folder / name)
        lake.remember(n_shards=SHARDS)
        fault = by_rate(dict.fromkeys(MILD, faults / len(MILD)))
        with OpenAIServer(latency=LATENCY, fault=fault) as server:
            os.environ |= {
                "RECFEAT_LAKE": lake.root,
                "RECFEAT_CATALOG": str(self.folder / "little.toml"),
                "RECFEAT_LLM_BASE_URL": server.base_url,
                "RECFEAT_LLM_CONCURRENCY": str(IN_FLIGHT),
            }
            os.environ.pop("DAGSTER_HOME", None)
            yield lake, server

    def report(self) -> None:
        total = sum((one.kills for one in self.rounds), Counter())
        killed = ", ".join(f"{stage} {n}" for stage, n in total.items())
        print(f"\nrounds: {len(self.rounds)}; kills: {total.total()} ({killed})")
        bought, again, in_flight, beyond = (
            sum(getattr(one, name) for one in self.rounds)
            for name in ("bought", "again", "in_flight", "beyond")
        )
        print(f"answers of {6 * N_ITEMS} calls a round: {bought}; bought again: {again}; in flight "
              f"at the kills: {in_flight}; bought again beyond: {beyond}")  # fmt: skip
        hangs = [line for one in self.rounds for line in one.hangs]
        differences = [line for one in self.rounds for line in one.differences]
        print(f"hangs: {len(hangs)}")
        print(f"tables that differ from the undisturbed run's: {len(differences)}", flush=True)
        for line in (*hangs, *differences):
            print(f"- {line}")
