"""Checks of scores are of a version and a shard: what one version does hides nothing of another."""

import dagster as dg
import pytest

from recfeat_pipeline.defs.check_history import repeat_hidden
from recfeat_pipeline.defs.executing import Execution
from recfeat_pipeline.defs.extraction.assets import keep_promoted
from recfeat_pipeline.defs.known import version_test_of
from recfeat_pipeline.defs.partitions import range_tags, versions
from recfeat_pipeline.defs.resources import Reporter
from recfeat_pipeline.defs.stages import STAGES
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer
from recfeat_pipeline_tests.unit.extraction.cases import documents

V1, OTHER = load_version("genome132-v1").key, load_version("genome132-worked-example").key
ANSWERED = dg.AssetCheckKey(dg.AssetKey(["lake", "responses"]), "every_call_answered")


def partitions(version: str) -> list[str]:
    return [str(dg.MultiPartitionKey({"version": version, "shard": s})) for s in ("00", "01")]


def partition_shown(instance: dg.DagsterInstance) -> str:
    """What the UI's overview of the check is about."""
    storage = instance.event_log_storage
    return storage.get_latest_asset_check_execution_by_key([ANSWERED])[ANSWERED].partition


@pytest.fixture
def lake(tmp_path, monkeypatch):
    lake = Lake(tmp_path / "lake")
    for shard, first in (("00", 1), ("01", 101)):
        lake.write("documents", documents(2, first=first), shard=shard)
    monkeypatch.setenv("RECFEAT_LAKE", lake.root)
    return lake


def test_each_partition_has_a_result_and_a_version_that_fails_hides_none_of_the_others(
    lake, monkeypatch
):
    def fault(asked):
        return (
            "not_json" if "about number 101." in asked.document and asked.group == "tone" else None
        )

    with OpenAIServer(fault=fault) as server, dg.DagsterInstance.ephemeral() as instance:
        monkeypatch.setenv("RECFEAT_LLM_BASE_URL", server.base_url)
        execution, scores = Execution(Settings(), instance, Reporter()), STAGES["extraction"][-1:]
        for version in (V1, OTHER, "no-such@1"):
            instance.add_dynamic_partitions(str(versions.name), [version])
        execution.run(scores, tags=range_tags(partitions(V1)))
        execution.run(scores, partition_key=partitions(OTHER)[0])
        assert lake.meta["promoted"] == V1, "what arms read, as after `recfeat run`"
        sent = server.counts["chat"]
        with pytest.raises(RecfeatError, match="no-such"):
            execution.run(scores, tags=range_tags(partitions("no-such@1")))
        assert server.counts["chat"] == sent, "it was refused before anything was asked"

        is_version = version_test_of(lake, None)
        assert partition_shown(instance) in partitions("no-such@1"), "Dagster shows the last"
        assert ANSWERED in repeat_hidden(instance, is_version)
        assert partition_shown(instance) == partitions(OTHER)[0]
        assert not repeat_hidden(instance, is_version), "once"
        history = instance.event_log_storage.get_asset_check_execution_history(ANSWERED, limit=20)
    found = {
        record.partition: record.event.asset_check_evaluation.passed
        for record in reversed(history)
        if record.event and record.event.asset_check_evaluation
    }
    whole, lacking = partitions(V1)
    assert found == {whole: True, lacking: False, partitions(OTHER)[0]: True}


def test_a_version_that_somebody_tries_first_is_not_promoted_by_that(lake):
    keep_promoted(lake, [OTHER], None)
    assert not lake.meta.get("promoted")
    keep_promoted(lake, [OTHER, V1], None)
    assert lake.meta["promoted"] == V1
    lake.remember(promoted=OTHER)
    keep_promoted(lake, [V1], None)
    assert lake.meta["promoted"] == OTHER
