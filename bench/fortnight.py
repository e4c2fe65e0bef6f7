"""``python -m bench fortnight``: days that go wrong, with the real daemon on loopback servers.

Faults of the catalogue and of TMDB, a prompt version promoted, a key refused, the daemon killed in
the middle of a day: each on a day of its own, which is one refresh and all that follows from it.
Printed are requests to TMDB, calls bought, what the feature store serves in the evening, what the
webhook told the person on call, and what that person typed. It takes about a minute and a half a
day; ``--days`` takes some of them, and ``--without-daemon`` those of the texts in this process.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.scheduler.instigation import TickStatus
from rich.console import Console
from rich.table import Table

from bench.soak.starting import kill, start_daemon
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.store import open_store
from recfeat_pipeline_tests.integration.automation_world import write_version
from recfeat_pipeline_tests.integration.fortnight import N, World, bad_days, simulate
from recfeat_pipeline_tests.servers.films import made_up_films
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer
from recfeat_pipeline_tests.servers.tmdb_server import KEY, TmdbServer
from recfeat_pipeline_tests.servers.webhook import Webhook

PATIENCE = 1200.0
MARGIN = 5.0  # seconds that a look takes
ACCEPT = {"accepted": ("text", "accept"), "rejected": ("text", "reject")}
RUN = ("run", "--until", "feature_store", "--yes")


@dataclass(frozen=True)
class Evening:
    """A day: what happens in the morning, and what somebody types in the evening."""

    what: str
    happens: Callable[[], None]
    typed: tuple[str, ...] = ()


@dataclass
class Fortnight:
    """The world of the simulation and its daemon."""

    folder: Path
    world: World
    model: OpenAIServer
    webhook: Webhook
    rows: list[dict[str, Any]] = field(default_factory=list)
    daemon: subprocess.Popen[bytes] | None = None

    @property
    def lake(self) -> Lake:
        return self.world.lake

    @property
    def home(self) -> Path:
        return self.lake.state / "dagster_home"

    def days(self) -> list[Evening]:
        """The bad days of texts, then those of prompts, keys and processes."""
        world, films = self.world, self.world.films
        days = [Evening(d.what, d.happens, ACCEPT.get(d.decision, ())) for d in bad_days(world)]
        write = lambda: write_version(self.folder / "prompts", "mine", "Be sparing.")  # noqa: E731
        return [
            Evening("first load", self.first),
            *days[1:],
            Evening("a prompt version of one's own", write, ("prompts", "promote", "mine")),
            Evening("promoted; a film edited",
                    lambda: world.edit(lambda f: f"Once more {f.title}.", films[:1])),
            Evening("the LLM's key is refused; two films edited", self.refuse),
            Evening("the daemon has a new key", self.mend),
            Evening("a day later", lambda: None),
            Evening("15 films edited; killed and started again meanwhile", self.kill),
        ]  # fmt: skip

    def first(self) -> None:
        command(*RUN)
        self.start()

    def refuse(self) -> None:
        self.model.api_key = "another"
        self.world.edit(lambda f: f"Without a key {f.title}.", self.world.films[1:3])

    def mend(self) -> None:
        """A key that the endpoint takes, which the daemon is started again with."""
        os.environ["RECFEAT_LLM_API_KEY"] = str(self.model.api_key)
        self.end()
        self.start()

    def kill(self) -> None:
        """Kill the daemon and its runs once some of the day's calls are answered."""
        self.model.latency = 0.5
        before = self.model.answered.total()
        few = self.world.films[20:35]  # more than 30 % would be a suspicious day
        self.world.edit(lambda f: f"At night {f.title}.", few)
        wait_for("some answers", lambda: self.model.answered.total() > before + 10)
        self.end()
        self.start()

    def end(self) -> None:
        if self.daemon:
            kill(self.daemon.pid, children=True)
            self.daemon.wait()

    def start(self) -> None:
        self.daemon = start_daemon(self.folder, self.folder / "daemon.log", self.home)

    def live(self, number: int, day: Evening) -> None:
        """One day, from the fault to what is typed."""
        self.world.server.reset_counts()
        self.model.answered.clear()
        self.webhook.posted.clear()
        since = time.time()
        day.happens()
        wait_for("a refresh", lambda: self.refreshed(since) is not None)
        requests = self.world.server.counts.total()  # later refreshes are of no real day
        wait_for("quiet", lambda: self.is_quiet(since))
        if self.failed(since):
            wait_for("the alert", self.is_told)
        said = dict.fromkeys(filter(None, map(message, self.webhook.posted)))
        typed = command(*day.typed) if day.typed else ""
        counted = {"requests": requests, "calls bought": self.model.answered.total()}
        row = {"day": number + 1, "what happens": day.what, **counted}
        self.rows.append(row | {"served": self.served(), "read": "\n".join(said), "typed": typed})
        print(self.rows[-1], flush=True)

    def runs(self) -> list[dg.RunRecord]:
        with dg.DagsterInstance.from_config(str(self.home)) as instance:
            return list(instance.get_run_records(limit=40))

    def refreshed(self, since: float) -> float | None:
        """When the day's first refresh ended."""
        ends = [
            r.end_time
            for r in self.runs()
            if r.dagster_run.job_name == "refresh_text"
            and r.create_timestamp.timestamp() > since
            and r.end_time
        ]
        return min(ends, default=None)

    def failed(self, since: float) -> bool:
        late = [r for r in self.runs() if r.create_timestamp.timestamp() > since]
        return any(r.dagster_run.status == dg.DagsterRunStatus.FAILURE for r in late)

    def is_quiet(self, since: float) -> bool:
        """Whether nothing follows any more from the day's first refresh, nor from what followed.

        On a busy machine that takes a while to begin, so the sensor is asked: while no refresh held
        it back it has looked since the last end, and found nothing to do.
        """
        runs = self.runs()
        refreshes = [r for r in runs if r.dagster_run.job_name == "refresh_text"]
        others = [r for r in runs if r.dagster_run.job_name != "refresh_text"]
        if any(not r.dagster_run.is_finished or _is_tried_again(r.dagster_run) for r in others):
            return False
        last = max([self.refreshed(since) or 0, *(r.end_time or 0 for r in others)])
        return any(
            look > last + MARGIN and not any(_lasts(run, look) for run in refreshes)
            for look in self.vain_looks()
        )

    def vain_looks(self) -> list[float]:
        """When ``follow_changes`` looked of late and found nothing to do."""
        with dg.DagsterInstance.from_config(str(self.home)) as instance:
            for state in instance.all_instigator_state():
                if state.name == "follow_changes":
                    origin, selector = state.instigator_origin_id, state.selector_id
                    looks = instance.get_ticks(origin, selector, limit=10)
                    return [look.timestamp for look in looks if look.status == TickStatus.SKIPPED]
        return []

    def is_told(self) -> bool:
        return any(post["kind"] == "failure" for post in self.webhook.posted)

    def served(self) -> str:
        with open_store(self.lake) as store:
            documents, chars = store.execute(
                "SELECT count(*), median(n_chars)::INT FROM features.documents"
            ).fetchone()
            versions = store.execute(
                "SELECT split_part(version, '@', 1), count(DISTINCT item_id) "
                "FROM features.item_features GROUP BY 1 ORDER BY 1"
            ).fetchall()
        scored = ", ".join(f"{name} {n}" for name, n in versions)
        return f"{documents} texts of {chars} characters; scored: {scored}"


def _is_tried_again(run: dg.DagsterRun) -> bool:
    """Whether Dagster will start a run again whose process died, and has not yet."""
    tags = run.tags
    return tags.get("dagster/will_retry") == "true" and "dagster/auto_retry_run_id" not in tags


def _lasts(run: dg.RunRecord, at: float) -> bool:
    """Whether a run was under way, or about to be, at a moment."""
    return run.create_timestamp.timestamp() < at + MARGIN and (run.end_time or at) >= at


def message(post: dict[str, Any]) -> str:
    """What a post tells of; nothing of a refresh skipped, since these come each minute here."""
    if post["kind"] == "skipped":
        return ""
    about = post.get("about") or ", ".join(post["assets"]) or post["job"]
    return f"{about}: {' '.join(post['reasons'])}"


def wait_for(what: str, is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > until:
            raise SystemExit(f"{what}: not within {PATIENCE:.0f} s")
        time.sleep(1)


def command(*words: str) -> str:
    """Run ``recfeat`` as somebody types it; the line."""
    line = [sys.executable, "-m", "recfeat_pipeline.cli", *words]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    failed = f" ({done.stderr.strip()[-200:]})" if done.returncode else ""
    return f"recfeat {' '.join(words)}{failed}"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench fortnight", description=__doc__)
    parser.add_argument("--days", help="those to take beside the first, as in 3,4")
    parser.add_argument("--without-daemon", action="store_true", help="assets in this process")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the daemon is ended on the way out
    films = made_up_films(N)
    with (
        tempfile.TemporaryDirectory(prefix="recfeat-fortnight-") as temporary,
        TmdbServer(films) as tmdb,
        OpenAIServer() as model,
        Webhook() as webhook,
    ):
        folder = Path(temporary)
        (folder / "prompts").mkdir()
        os.environ |= {
            "RECFEAT_LAKE": str(folder / "lake"),
            "RECFEAT_CATALOG": str(folder / "catalog.toml"),
            "RECFEAT_PROMPTS": str(folder / "prompts"),
            "RECFEAT_LLM_BASE_URL": model.base_url,
            "RECFEAT_LLM_API_KEY": "right",
            "RECFEAT_LLM_CONCURRENCY": "4",
            "TMDB_API_KEY": KEY,
            "RECFEAT_TMDB_BASE_URL": tmdb.url,
            "RECFEAT_TMDB_RATE": "40",
            "RECFEAT_ALERT_WEBHOOK": webhook.url,
            "RECFEAT_PROMPT_STILL_MINUTES": "0",
            "RECFEAT_WATCH_SECONDS": "5",
        }
        os.environ.pop("DAGSTER_HOME", None)
        if options.without_daemon:
            show(simulate(folder))
            return
        fortnight = Fortnight(folder, World(folder, tmdb, films), model, webhook)
        fortnight.lake.remember(n_shards=2)
        fortnight.world.export()
        days = fortnight.days()
        wanted = (
            [0, *(int(n) - 1 for n in options.days.split(","))]
            if options.days
            else range(len(days))
        )
        try:
            for number in wanted:
                fortnight.live(number, days[number])
        finally:
            fortnight.end()
            show(fortnight.rows)


def show(rows: list[dict[str, Any]]) -> None:
    table = Table(box=None)
    for column in rows[0] if rows else ():
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console(width=200).print(table)
