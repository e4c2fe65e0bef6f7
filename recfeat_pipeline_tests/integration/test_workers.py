"""Training in several processes leaves what training in one leaves, and says what went wrong."""

import contextlib
import multiprocessing
import os
import shutil
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from recfeat_pipeline.cli import run_app
from recfeat_pipeline.defs.executing import Training
from recfeat_pipeline.defs.instance import open_instance
from recfeat_pipeline.defs.partitions import arm_seeds
from recfeat_pipeline.defs.resources import Reporter
from recfeat_pipeline.defs.workers import Workers
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings
from recfeat_pipeline_tests.integration.cli_world import write_catalog

COMMAND = ["run", "--arms", "popularity,floor,llm", "--seeds", "0,1"]
SHORT = ["--steps", "20"]
PARTITIONS = {"popularity|0", "floor|0", "floor|1", "llm|0", "llm|1"}


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """The folder of a small catalogue and of its lake, ready for training."""
    folder = tmp_path_factory.mktemp("untrained")
    write_catalog(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("RECFEAT_LAKE", str(folder / "lake"))
        assert run_app(["run", "--catalog", "little.toml", "--until", "feature_store"]) == 0
        patch.delenv("DAGSTER_HOME")
    return folder


@pytest.fixture
def lake(untrained, tmp_path, monkeypatch):
    return enter(untrained, tmp_path / "copy", monkeypatch)


def enter(untrained: Path, folder: Path, monkeypatch) -> Lake:
    shutil.copytree(untrained, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("RECFEAT_LAKE", str(folder / "lake"))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return Lake(folder / "lake")


def partitions(instance: dg.DagsterInstance, asset: str) -> set[str]:
    key = dg.AssetKey(["lake", asset])
    return {str(name) for name in instance.get_materialized_partitions(key)}


def test_two_processes_leave_what_one_leaves(untrained, tmp_path, monkeypatch):
    made = {}
    for n in ("1", "2"):
        lake = enter(untrained, tmp_path / n, monkeypatch)
        assert run_app([*COMMAND, *SHORT, "--cold-start", "--workers", n]) == 0
        made[n] = {
            table: lake.read(table).sort("arm", "seed", *key)
            for table, *key in (("ranks", "example_id"), ("cold_ranks", "example_id"))
        }
        for arm in ("floor", "llm"):
            vectors = lake.read_parquet(f"runs/arm={arm}/seed=1/item_vectors.parquet")
            made[n][arm] = np.array(vectors["vector"].to_list())
        assert lake.read_note("made_from", arm="llm", seed="0")["threads"] == 1
        with open_instance(lake) as instance:
            for asset in ("runs", "ranks", "cold_ranks"):
                again = {"popularity|1"} if asset == "cold_ranks" else set()  # in another world
                assert partitions(instance, asset) == PARTITIONS | again
            assert {run.status for run in instance.get_runs()} == {dg.DagsterRunStatus.SUCCESS}
    for table in ("ranks", "cold_ranks"):
        assert made["1"][table].equals(made["2"][table])
    for arm in ("floor", "llm"):
        assert np.array_equal(made["1"][arm], made["2"][arm]), "the same bits"


def test_a_failure_is_one_sentence_and_what_was_under_way_is_finished(lake, capsys):
    lake.write_bytes("runs/arm=floor/seed=0/made_from.json", b"{")
    arms = ["--arms", "floor,llm", "--seeds", "0,1,2"]
    assert run_app(["run", *arms, *SHORT, "--workers", "2"]) == 1
    said = capsys.readouterr().err
    assert "made_from.json is not valid JSON" in said
    assert "Traceback" not in said
    with open_instance(lake) as instance:
        trained = partitions(instance, "ranks")
    assert "llm|0" in trained, "it was under way"
    assert "llm|2" not in trained, "it waited"


class Killer(Reporter):
    """At the first sign of life, one of the processes is killed as the kernel would."""

    @contextlib.contextmanager
    def bar(self, title: str):
        def progress(done, total, title="", /):
            victims = multiprocessing.active_children()
            if len(victims) == 2:
                os.kill(victims[0].pid, 9)

        yield progress


def test_a_process_that_is_killed_is_named(lake):
    trainings = [Training("two_tower", arm, 0, 20) for arm in ("floor", "llm")]
    with open_instance(lake) as instance:
        instance.add_dynamic_partitions(arm_seeds.name, ["floor|0", "llm|0"])
        with Workers(2, Settings()) as workers, pytest.raises(RecfeatError) as error:
            workers.run(trainings, Killer())
    assert any(str(training) in str(error.value) for training in trainings)
    assert "SIGKILL" in str(error.value)
    assert "--workers" in str(error.value)
    assert multiprocessing.active_children() == []
