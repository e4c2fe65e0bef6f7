"""Training in several processes leaves what training in one leaves."""

import dagster as dg
import numpy as np

from recfeat_pipeline.cli import run_app
from recfeat_pipeline.defs.instance import open_instance
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.integration.cli_world import write_catalog

COMMAND = [
    "run", "--catalog", "little.toml", "--arms", "popularity,llm", "--seeds", "0,1",
    "--steps", "20", "--cold-start", "--until", "training",
]  # fmt: skip
PARTITIONS = {"popularity|0", "llm|0", "llm|1"}


def partitions(instance: dg.DagsterInstance, asset: str) -> set[str]:
    key = dg.AssetKey(["lake", asset])
    return {str(name) for name in instance.get_materialized_partitions(key)}


def test_two_processes_leave_what_one_leaves(tmp_path, monkeypatch):
    write_catalog(tmp_path)
    monkeypatch.chdir(tmp_path)
    made = {}
    for n in ("1", "2"):
        lake = Lake(tmp_path / n)
        monkeypatch.setenv("RECFEAT_LAKE", str(lake.root))
        monkeypatch.delenv("DAGSTER_HOME", raising=False)
        assert run_app([*COMMAND, "--workers", n]) == 0
        made[n] = {
            table: lake.read(table).sort("arm", "seed", *key)
            for table, *key in (("ranks", "example_id"), ("cold_ranks", "example_id"))
        }
        vectors = lake.read_parquet("runs/arm=llm/seed=1/item_vectors.parquet")
        made[n]["vectors"] = np.array(vectors["vector"].to_list())
        assert lake.read_note("made_from", arm="llm", seed="0")["threads"] == 1
        with open_instance(lake) as instance:
            for asset in ("runs", "ranks", "cold_ranks"):
                again = {"popularity|1"} if asset == "cold_ranks" else set()  # in another world
                assert partitions(instance, asset) == PARTITIONS | again
            assert {run.status for run in instance.get_runs()} == {dg.DagsterRunStatus.SUCCESS}
    for table in ("ranks", "cold_ranks"):
        assert made["1"][table].equals(made["2"][table])
    assert np.array_equal(made["1"]["vectors"], made["2"]["vectors"]), "the same bits"
