"""A day looks at the items that changed, and leaves the scores that a whole one would."""

import polars as pl
import pytest

from recfeat_pipeline.defs.extraction.version import extract_version
from recfeat_pipeline.defs.resources import Reporter
from recfeat_pipeline.extraction import load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer
from recfeat_pipeline_tests.unit.extraction.cases import documents

V1 = load_version("genome132-v1")
GROUPS = len(V1.questions)


class World:
    """A lake of one shard, its endpoint, and the settings."""

    def __init__(self, folder, server):
        self.folder, self.server, self.settings = folder, server, Settings(llm_retry_failed=True)
        self.lake = Lake(folder / "lake")

    def day(self, frame: pl.DataFrame, **settings) -> int:
        """Extract from these documents; how many calls were looked at."""
        self.lake.write("documents", frame, shard="00")
        settings = self.settings.but(**settings)
        [part] = extract_version(self.lake, V1.key, ["00"], settings, Reporter()).written
        return part.calls["requested"]

    def scores(self) -> pl.DataFrame:
        return self.lake.read("scores").drop("generated_at")

    def from_scratch(self) -> pl.DataFrame:
        """The scores that the same documents and answers have in a lake without any."""
        other = World(self.folder / "other", self.server)
        other.lake.drop("scores")
        other.lake.drop("scored_from")
        other.day(self.lake.read("documents", shard="00").drop("shard"))
        return other.scores()


@pytest.fixture
def world(tmp_path, monkeypatch):
    with OpenAIServer() as server:
        monkeypatch.setenv("RECFEAT_LLM_BASE_URL", server.base_url)
        yield World(tmp_path, server)


def changed(frame: pl.DataFrame, *item_ids: int) -> pl.DataFrame:
    other = documents(frame.height, text="Quite another film about number {i}.")
    of_ids = pl.col("item_id").is_in(item_ids)
    return pl.concat([frame.filter(~of_ids), other.filter(of_ids)]).sort("item_id")


def test_only_items_with_other_documents_are_looked_at(world):
    frame = documents(6)
    assert world.day(frame) == 6 * GROUPS
    first = world.scores()
    assert world.day(frame) == 0
    assert world.scores().equals(first)
    assert world.day(changed(frame, 2, 5)) == 2 * GROUPS
    assert world.scores().equals(world.from_scratch())
    assert not world.scores().equals(first)
    assert world.day(frame) == 2 * GROUPS, "back again, from the ledger"
    assert world.scores().equals(first)


def test_items_that_come_and_go(world):
    world.day(documents(5))
    assert world.day(documents(3)) == 0
    assert set(world.scores()["item_id"]) == {1, 2, 3}
    assert world.day(documents(5)) == 2 * GROUPS
    assert world.scores().equals(world.from_scratch())


def test_an_item_that_lacks_an_answer_is_looked_at_again(world):
    bad = {"tone"}
    world.server.fault = lambda asked: (
        "not_json"
        if bad and "about number 2." in asked.document and asked.group == "tone"
        else None
    )
    assert world.day(documents(3)) == 3 * GROUPS
    assert world.day(documents(3)) == GROUPS, "and that it fails alone is no worthless version"
    bad.clear()
    assert world.day(documents(3)) == GROUPS
    assert world.scores().equals(world.from_scratch())


def test_another_model_and_a_lake_of_an_older_release_are_looked_at_whole(world):
    world.day(documents(2))
    assert world.day(documents(2), llm_model="gpt-4.1-nano") == 2 * GROUPS
    assert world.day(documents(2), llm_model="gpt-4.1-nano") == 0
    world.lake.drop("scored_from")
    assert world.day(documents(2), llm_model="gpt-4.1-nano") == 2 * GROUPS
