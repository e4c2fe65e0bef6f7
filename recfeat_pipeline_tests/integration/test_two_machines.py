"""Two machines that share an object store and nothing else: no answer is bought by both."""

import os
import subprocess
import sys
import time

from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.integration.extraction_worker import CONCURRENCY
from recfeat_pipeline_tests.servers import object_store
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer

assert object_store
N_ITEMS, GROUPS = 40, 6


def start(tmp_path, home, server, shards):
    module = "recfeat_pipeline_tests.integration.extraction_worker"
    arguments = [f"shared://{tmp_path}/store/lake", server.base_url, shards, str(N_ITEMS)]
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "HOME": str(tmp_path / home)},
    )


def test_two_machines_at_once_buy_nothing_twice(tmp_path):
    with OpenAIServer(latency=0.01) as server:
        workers = [start(tmp_path, "a", server, "00,01"), start(tmp_path, "b", server, "01,00")]
        for worker in workers:
            assert worker.communicate(timeout=120)[0].endswith("end\n")
    assert server.counts["chat"] == len(server.answered) == 2 * N_ITEMS * GROUPS


def test_what_a_killed_machine_has_bought_another_does_not_buy_again(tmp_path):
    lake = Lake(f"shared://{tmp_path}/store/lake")
    with OpenAIServer(latency=0.03) as server:
        killed = start(tmp_path, "a", server, "00")
        while server.answered.total() < 100:
            assert killed.poll() is None
            time.sleep(0.005)
        killed.kill()
        killed.wait()
        time.sleep(0.5)  # what was in flight is answered, to nobody
        bought, arrived = set(server.answered), lake.read("responses").height
        other = start(tmp_path, "b", server, "00")
        assert other.communicate(timeout=120)[0].endswith("end\n")
        twice = server.answered.total() - N_ITEMS * GROUPS
        print(f"{len(bought)} bought before the kill, {arrived} had left; {twice} bought twice")
        assert len(server.answered) == N_ITEMS * GROUPS
        assert twice == len(bought) - arrived, "what had left the machine was bought again"
        assert twice <= 20 + 2 * CONCURRENCY  # in flight, and a little less than a shipment
        again = start(tmp_path, "a", server, "00")  # the machine comes back, with its journal
        assert again.communicate(timeout=120)[0].endswith("end\n")
        assert server.answered.total() == N_ITEMS * GROUPS + twice
    assert lake.read("responses").filter(status="ok")["cache_key"].n_unique() == N_ITEMS * GROUPS
