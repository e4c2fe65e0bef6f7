"""Partitions are what can be asked and what this lake trains; no more is offered, or kept."""

import dagster as dg
import polars as pl
import pytest

from recfeat_pipeline.definitions import defs
from recfeat_pipeline.defs import sensors
from recfeat_pipeline.defs.known import keep_partitions
from recfeat_pipeline.defs.partitions import arm_and_seed, arm_seeds, versions
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.prompts import new_version
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import SCORES
from recfeat_pipeline.settings import Settings

PROMOTED = load_version("genome132-v1").key


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def partitions(instance: dg.DagsterInstance, of: dg.DynamicPartitionsDefinition) -> set[str]:
    return set(instance.get_dynamic_partitions(str(of.name)))


def test_the_promoted_version_is_offered_what_is_typed_kept_and_typing_errors_removed(
    tmp_path, instance
):
    """No other version is offered, for "Materialize all" would buy it."""
    lake, typed = Lake(tmp_path), load_version("genome132-one-call").key
    old = "genome132-v1@0123456789ab"  # of files that have changed since: its scores are here
    lake.write("scores", pl.DataFrame(schema=SCORES), version=old, shard="00")
    instance.add_dynamic_partitions(str(versions.name), ["genome132-v1", "no-such@1", old, typed])
    keep_partitions(lake, None, instance)
    assert partitions(instance, versions) == {PROMOTED, old, typed}


def test_versions_that_an_older_release_registered_go_once_and_what_is_typed_later_stays(
    tmp_path, instance, monkeypatch
):
    """Releases before offered every built-in version, and "Materialize all" would buy them."""
    lake, never = Lake(tmp_path / "lake"), load_version("genome132-one-call").key
    asked, failed = load_version("genome132-overview-only").key, load_version("item-profile-v1").key
    lake.write("scores", pl.DataFrame(schema=SCORES), version=asked, shard="00")
    lake.write_note("stopped", {"state": "failed", "why": "A key."}, version=failed)
    folder = tmp_path / "prompts"
    new_version("mine", "genome132-v1", folder, None)
    mine = load_version("mine", folder).key
    monkeypatch.setenv("RECFEAT_LAKE", lake.root)
    monkeypatch.setenv("RECFEAT_PROMPTS", str(folder))
    instance.add_dynamic_partitions(str(versions.name), [never, asked, failed, mine, PROMOTED])
    cursor = None
    for gone in ({never}, None):
        context = dg.build_sensor_context(instance=instance, cursor=cursor)
        result = sensors.keep_partitions(context, settings=Settings())
        [*deleted] = [set(r.partition_keys) for r in result.dynamic_partitions_requests]
        assert deleted == ([gone] if gone else [])
        cursor = result.cursor


def test_models_are_offered_that_this_lake_holds(tmp_path, instance):
    lake = Lake(tmp_path)
    lake.write_note("made_from", {}, arm="floor", seed="2")
    instance.add_dynamic_partitions(str(arm_seeds.name), ["llm|0", "llm|x", "no_such_arm|0"])
    keep_partitions(lake, None, instance)
    assert partitions(instance, arm_seeds) == {"floor|2", "llm|0"}


@pytest.mark.parametrize(
    ("of", "key", "partition"),
    [(versions, "no-such@1", "00|no-such@1"), (arm_seeds, "no_such_arm|0", "no_such_arm|0")],
)
def test_a_typing_error_stays_while_its_run_does(tmp_path, instance, of, key, partition):
    """The run ends with our sentence, not with Dagster's traceback of a partition that has gone."""
    instance.add_dynamic_partitions(str(of.name), [key])
    tags = {"dagster/asset_partition_range_start": partition}
    run = dg.DagsterRun("job", status=dg.DagsterRunStatus.STARTED, tags=tags)
    instance.add_run(run)
    keep_partitions(Lake(tmp_path), None, instance)
    assert key in partitions(instance, of)
    instance.report_run_canceled(run)
    keep_partitions(Lake(tmp_path), None, instance)
    assert key not in partitions(instance, of)


def test_the_sensor_does_the_same_and_then_nothing(tmp_path, instance, monkeypatch):
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path))
    first = sensors.keep_partitions(dg.build_sensor_context(instance=instance), settings=Settings())
    [request] = first.dynamic_partitions_requests
    assert set(request.partition_keys) == {PROMOTED}
    instance.add_dynamic_partitions(str(versions.name), list(request.partition_keys))
    again = sensors.keep_partitions(dg.build_sensor_context(instance=instance), settings=Settings())
    assert not again.dynamic_partitions_requests


@pytest.mark.parametrize("key", ["llm", "llm|", "llm|20", "llm|-1", "nobody|0", "llm|0|1"])
def test_a_model_that_cannot_be_is_a_sentence(key):
    with pytest.raises(RecfeatError, match="is no model: a partition is an arm and a seed"):
        arm_and_seed(key)


def test_materialize_all_buys_no_retest_and_trains_nothing_unasked(instance):
    graph = defs.resolve_asset_graph()
    assert dg.AssetKey(["lake", "retests"]) not in graph.materializable_asset_keys
    for name in ("runs", "ranks", "cold_ranks"):
        of = graph.get(dg.AssetKey(["lake", name])).partitions_def
        assert of.get_partition_keys(dynamic_partitions_store=instance) == []


def test_the_launchpad_names_no_place():
    job = defs.resolve_implicit_global_asset_job_def()
    found = dg.validate_run_config(job, {})["resources"]
    assert found["lake"] == found["store"] == {"config": {}}, "it would be written into each run"
