"""Training in several processes leaves what training in one does, and Ctrl-C ends them all."""

import shutil
import signal

import dagster as dg
import numpy as np

from recfeat_pipeline.cli import run_app
from recfeat_pipeline.defs.instance import join_instance, open_instance
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.integration.cli_process import Running, check_interrupted
from recfeat_pipeline_tests.integration.cli_world import write_catalog

COMMAND = [
    "run", "--arms", "popularity,llm", "--seeds", "0,1", "--steps", "40", "--cold-start",
    "--until", "training", "--workers",
]  # fmt: skip
PARTITIONS = {"popularity|0", "llm|0", "llm|1"}


def partitions(instance: dg.DagsterInstance, asset: str) -> set[str]:
    key = dg.AssetKey(["lake", asset])
    return {str(name) for name in instance.get_materialized_partitions(key)}


def train_in_two_and_interrupt(lake: Lake, folder) -> str:
    """Ctrl-C when one of them has trained a model: nothing lives on. The seed of that model."""
    done = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS])
    trained: list[str] = []

    def look() -> bool:
        partitions = (run.tags.get("dagster/partition", "") for run in instance.get_runs(done))
        trained[:] = [name.removeprefix("llm|") for name in partitions if name.startswith("llm|")]
        return bool(trained)

    with join_instance(lake) as instance:
        command = Running(folder, *COMMAND, "2")
        command.wait_until(look)
        check_interrupted(*command.send(signal.SIGINT))
    with open_instance(lake) as instance:  # a process that lived on would hold its run's lock
        assert all(run.is_finished for run in instance.get_runs())
    return trained[0]


def test_two_processes_leave_what_one_leaves_and_one_goes_on_with_it(tmp_path, monkeypatch):
    write_catalog(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECFEAT_CATALOG", "little.toml")
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path / "scored"))
    assert run_app(["run", "--until", "feature_store"]) == 0
    made, in_a_worker = {}, ""
    for n in ("1", "2"):
        lake = Lake(shutil.copytree(tmp_path / "scored", tmp_path / n))
        monkeypatch.setenv("RECFEAT_LAKE", str(lake.root))
        monkeypatch.delenv("DAGSTER_HOME", raising=False)
        if n == "2":
            in_a_worker = train_in_two_and_interrupt(lake, tmp_path)
            trained = lake.state / f"runs/arm=llm/seed={in_a_worker}/made_from.json"
            before = trained.stat().st_mtime_ns
        assert run_app([*COMMAND, "1"]) == 0
        made[n] = {table: lake.read(table).sort("arm", "seed", "example_id")
                   for table in ("ranks", "cold_ranks")}  # fmt: skip
        for seed in "01":
            vectors = lake.read_parquet(f"runs/arm=llm/seed={seed}/item_vectors.parquet")
            made[n][seed] = np.array(vectors["vector"].to_list())
        assert lake.read_note("made_from", arm="llm", seed=in_a_worker or "0")["threads"] == 1
        with open_instance(lake) as instance:
            for asset in ("runs", "ranks", "cold_ranks"):
                again = {"popularity|1"} if asset == "cold_ranks" else set()  # in another world
                assert partitions(instance, asset) == PARTITIONS | again
            if n == "1":
                statuses = {run.status for run in instance.get_runs()}
                assert statuses == {dg.DagsterRunStatus.SUCCESS}
    for table in ("ranks", "cold_ranks"):
        assert made["1"][table].equals(made["2"][table])
    for seed in "01":
        assert np.array_equal(made["1"][seed], made["2"][seed]), "the same bits"
    assert trained.stat().st_mtime_ns == before, "what a worker had trained was trained again"
