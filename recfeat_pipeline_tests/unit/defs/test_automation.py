"""Conditions of our own: what they say of one evaluation, and of the next."""

import dagster as dg
import polars as pl
import pytest

from recfeat_pipeline.defs.automation import FOLLOW_IN_STORE, FOLLOW_TEXT, IsDecided
from recfeat_pipeline.guard import decide
from recfeat_pipeline.lake import Lake

SHARDS = ["00", "01"]


@pytest.fixture
def lake(tmp_path, monkeypatch) -> Lake:
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path))
    return Lake(tmp_path)


def set_aside(lake: Lake) -> None:
    day = {"at": "2026-11-28T08:00:00+00:00", "decision": None, "since": None}
    lake.write_note("suspicious", day, stage="documents")


class Ticks:
    """A partitioned asset under a condition, tick by tick."""

    def __init__(self, condition: dg.AutomationCondition):
        @dg.asset(
            partitions_def=dg.StaticPartitionsDefinition(SHARDS), automation_condition=condition
        )
        def texts() -> None: ...

        self.defs, self.key, self.cursor = dg.Definitions([texts]), texts.key, None

    def __call__(self, instance: dg.DagsterInstance) -> list[str]:
        result = dg.evaluate_automation_conditions(self.defs, instance, cursor=self.cursor)
        self.cursor = result.cursor
        return sorted(map(str, result.get_requested_partitions(self.key)))


def test_a_day_is_decided_once_somebody_has_said_so(lake):
    tick = Ticks(IsDecided())
    with dg.DagsterInstance.ephemeral() as instance:
        assert tick(instance) == [], "nothing was set aside"
        set_aside(lake)
        assert tick(instance) == [], "nobody has decided"
        decide(lake, "documents", "accepted")
        assert tick(instance) == SHARDS
        lake.write_note("suspicious", {}, stage="documents")
        assert tick(instance) == [], "the day was written"


def test_no_store_is_asked_for_before_there_is_a_catalogue(lake):
    """Switched on with a new lake, automation began with a run that failed on its empty tables."""
    tick = Ticks(FOLLOW_IN_STORE)
    with dg.DagsterInstance.ephemeral() as instance:
        assert tick(instance) == []
        lake.write("items", pl.DataFrame(schema=lake.schema("items")))
        assert tick(instance) == SHARDS
        assert tick(instance) == [], "asked for already"


@pytest.mark.parametrize("decision", ["accepted", "rejected"])
def test_what_is_decided_asks_for_the_documents_once(lake, decision):
    tick = Ticks(FOLLOW_TEXT)
    with dg.DagsterInstance.ephemeral() as instance:
        tick(instance)  # the first look goes over everything
        set_aside(lake)
        assert tick(instance) == []
        decide(lake, "documents", decision)
        assert tick(instance) == SHARDS
        assert tick(instance) == [], "asked for already"
        set_aside(lake)  # the next day
        assert tick(instance) == []
        decide(lake, "documents", decision)
        assert tick(instance) == SHARDS
