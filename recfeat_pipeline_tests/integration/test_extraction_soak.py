"""kill -9 at random, again and again: nothing is lost, nothing is bought twice.

``RECFEAT_SOAK_KILLS=40 pytest …`` for the long version; ``-s`` prints the counts.
"""

import os
import random
import subprocess
import sys
import time

import polars as pl

from recfeat_pipeline.extraction import load_version, scores
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.integration.extraction_worker import CONCURRENCY, work
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer, by_rate
from recfeat_pipeline_tests.unit.extraction.cases import documents

KILLS = int(os.environ.get("RECFEAT_SOAK_KILLS", "5"))
SHARDS = ["00", "01", "02", "03"]
FAULTS = by_rate({"500": 0.01, "drop": 0.01, "not_json": 0.02, "nan": 0.01})


def start(root, server, n_items, shards=SHARDS):
    module = "recfeat_pipeline_tests.integration.extraction_worker"
    arguments = [str(root), server.base_url, ",".join(shards), str(n_items)]
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, text=True
    )


def content(lake):
    """What the store says, whoever said it when."""
    rows = lake.read("responses").filter(status="ok")
    return rows.select("cache_key", "response", "group").unique().sort("cache_key")


def test_a_run_killed_again_and_again_ends_as_an_undisturbed_one(tmp_path):
    n_items = max(2 * KILLS, 10)
    calls = len(SHARDS) * n_items * 6
    rng = random.Random(7)
    with OpenAIServer(latency=0.03, fault=FAULTS) as server:
        for _ in range(KILLS):
            worker = start(tmp_path / "killed", server, n_items)
            enough = server.answered.total() + rng.randint(1, 60)
            while server.answered.total() < enough and worker.poll() is None:
                time.sleep(0.001)
            time.sleep(rng.uniform(0, 0.03))
            worker.kill()
            worker.wait()
        before_last = server.answered.total()
        worker = start(tmp_path / "killed", server, n_items)
        assert worker.communicate(timeout=120)[0].endswith("end\n")
        bought = server.answered.copy()

        work(str(tmp_path / "quiet"), server.base_url, SHARDS, n_items)
        before = server.counts["chat"]
        work(str(tmp_path / "killed"), server.base_url, SHARDS, n_items)
        assert server.counts["chat"] == before  # a further run sends nothing

    twice = sum(n - 1 for n in bought.values())
    print(f"{KILLS} kills, {calls} calls, {before_last} bought before the last run, {twice} twice")
    assert len(bought) == calls
    assert twice <= KILLS * CONCURRENCY
    assert 0 < before_last < calls + twice
    killed, undisturbed = Lake(tmp_path / "killed"), Lake(tmp_path / "quiet")
    notes = killed.glob("responses/*/*.replaces.json")
    print(f"{len(notes)} merged segments, {len(killed.table_paths('responses'))} segments")
    assert notes  # segments were merged between the kills
    assert content(killed).equals(content(undisturbed))
    assert content(killed).height == calls
    version = load_version("genome132-v1")
    for shard in SHARDS:
        docs = documents(n_items, first=1000 * int(shard) + 1)
        both = [
            scores(docs, version, lake, shard, version.model).drop("generated_at")
            for lake in (killed, undisturbed)
        ]
        assert both[0].equals(both[1])
        assert both[0].height == n_items * 132


def test_two_processes_at_once_buy_nothing_twice(tmp_path):
    """On different shards they do not meet; on one, the second waits and finds all of it done."""
    with OpenAIServer(latency=0.02) as server:
        workers = [start(tmp_path, server, 10, s) for s in (["00"], ["01"], ["00"])]
        for worker in workers:
            assert worker.communicate(timeout=60)[0].endswith("end\n")
    assert server.counts["chat"] == 2 * 10 * 6
    assert Lake(tmp_path).read("responses").group_by("shard").len()["len"].to_list() == [60, 60]
    assert pl.Series(list(server.answered.values())).max() == 1
