import os
import shutil

import dagster as dg
import polars as pl
import pytest

from recfeat_pipeline.cli import run_app
from recfeat_pipeline.definitions import build_definitions
from recfeat_pipeline.defs.extraction.retest import KEY
from recfeat_pipeline.defs.instance import open_instance
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import RETESTS
from recfeat_pipeline.settings import Settings
from recfeat_pipeline_tests.integration.cli_world import N_ITEMS, write_catalog
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer

CHECK = dg.AssetCheckKey(KEY, "scores_repeat")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The folder of a lake with scores, and the model that gave them."""
    folder = tmp_path_factory.mktemp("extracted")
    catalog = str(write_catalog(folder))
    with OpenAIServer() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECFEAT_LAKE", str(folder / "lake"))
        patch.setenv("RECFEAT_LLM_BASE_URL", server.base_url)
        assert run_app(["run", "--catalog", catalog, "--until", "extraction"]) == 0
        os.environ.pop("DAGSTER_HOME")  # the command has set it
        yield folder, server


@pytest.fixture
def extracted(world, tmp_path, monkeypatch):
    """A copy of that lake; the model wavers by ``server.noise``."""
    folder, server = world
    shutil.copytree(folder, tmp_path / "copy")
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path / "copy" / "lake"))
    monkeypatch.setenv("RECFEAT_LLM_BASE_URL", server.base_url)
    return Lake(tmp_path / "copy" / "lake"), server


def retest(lake: Lake, share: float) -> bool:
    """Do the job; whether its check passed."""
    config = {"ops": {"ask_a_sample_again": {"config": {"share": share}}}}
    with open_instance(lake) as instance:
        job = build_definitions(Settings()).resolve_job_def("retest_scores")
        job.execute_in_process(instance=instance, run_config=config)
        [record] = instance.event_log_storage.get_asset_check_execution_history(CHECK, limit=1)
        return record.event.asset_check_evaluation.passed


@pytest.mark.parametrize(("noise", "steady"), [(0.0, True), (0.9, False)])
def test_a_model_that_wavers_is_told_from_one_that_does_not(extracted, noise, steady):
    lake, server = extracted
    server.noise = noise
    asked = server.counts["chat"]
    passed = retest(lake, 1.0)
    assert server.counts["chat"] - asked == 6 * N_ITEMS
    assert passed, "the server moves no score that is 0, so the order mostly holds"
    frame = lake.read("retests")
    assert (frame["pearson_r"].drop_nulls().min() > 0.999) is steady
    assert frame.schema == pl.Schema({**RETESTS, "version": pl.String})
    assert frame.height == 132
    assert set(frame["n_items"]) == {N_ITEMS}
    assert (frame["share_equal"] == 1.0).all() is steady
    assert server.counts["chat"] - asked == 6 * N_ITEMS
    retest(lake, 1.0)
    assert server.counts["chat"] - asked == 6 * N_ITEMS, "asked again once, not twice"
