"""What the conditions ask for, tick by tick, and what it costs on the loopback model."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from unittest.mock import patch

import dagster as dg
import pytest

from recfeat_pipeline.definitions import defs
from recfeat_pipeline.defs.about import GROUPS as STAGE_GROUPS
from recfeat_pipeline.defs.drive import Driver, Plan
from recfeat_pipeline.defs.extraction.version import by_version
from recfeat_pipeline.defs.partitions import range_tags, shards, version_shards, versions
from recfeat_pipeline.defs.resources import Reporter
from recfeat_pipeline.defs.sensors import register_prompt_versions
from recfeat_pipeline.defs.stages import STAGES
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.lake import Lake, shard_of
from recfeat_pipeline.settings import Settings
from recfeat_pipeline_tests.integration.automation_world import (
    GROUPS,
    write_catalog,
    write_version,
)
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer

ALL_SHARDS = set(shards.get_partition_keys())
PROBE = "genome132-v1+title-only"


@dataclass
class World:
    folder: Path
    lake: Lake
    instance: dg.DagsterInstance
    driver: Driver
    server: OpenAIServer
    environment: dict[str, str]
    changed: dict[int, str] = field(default_factory=dict)
    cursor: object = None

    def tick(self) -> dict[str, set]:
        """One evaluation: asset key to the partitions it asks for."""
        keys = cache(self.instance.get_dynamic_partitions)  # asked for hundreds of times a tick
        with patch.object(self.instance, "get_dynamic_partitions", keys):
            result = dg.evaluate_automation_conditions(defs, self.instance, cursor=self.cursor)
        self.cursor = result.cursor
        return {
            key.to_user_string(): result.get_requested_partitions(key)
            for key in defs.resolve_asset_graph().materializable_asset_keys
            if result.get_num_requested(key)
        }

    def settle(self) -> list[dict[str, set]]:
        """Tick and do what is asked until nothing is; returns the ticks that asked."""
        ticks = []
        while asked := self.tick():
            assert len(ticks) < 8, f"automation goes round in a circle: {ticks}"
            ticks.append(asked)
            self._do(dict(asked))
        return ticks

    def _do(self, asked: dict[str, set]) -> None:
        if asked.pop("lake/documents", None):
            self.write_documents()
        for name, of_version in _by_version(asked.pop("lake/responses", ())).items():
            self.driver.extract(load_version(name, self.folder / "prompts"), of_version)
        asked.pop("lake/scores", None)
        keys = [dg.AssetKey(key.split("/")) for key in asked]
        graph, store = defs.resolve_asset_graph(), STAGE_GROUPS["feature_store"]
        # the evaluation is left out: it takes too long
        if keys := [key for key in keys if graph.get(key).group_name == store]:
            self.driver.execution.job.execute_in_process(
                asset_selection=keys, instance=self.instance
            )

    def change(self, film: int, text: str | None) -> None:
        """Let the catalogue have another text for a film (None: its first one), and read it."""
        self.changed.pop(film, None)
        self.changed |= {film: text} if text else {}
        write_catalog(self.folder, self.changed)
        self.read_catalog()

    def read_catalog(self) -> None:
        self.driver.execution.run(STAGES["catalog"])

    def write_documents(self) -> None:
        self.driver.execution.run(STAGES["text"][-1:], tags=range_tags(shards.get_partition_keys()))

    def register(self) -> set[str]:
        """What the sensor registers, done."""
        context = dg.build_sensor_context(instance=self.instance)
        result = register_prompt_versions(context, settings=Settings())
        new = [
            k
            for request in result.dynamic_partitions_requests or ()
            for k in request.partition_keys
        ]
        self.instance.add_dynamic_partitions(str(versions.name), new)
        return set(new)

    def shards_asked(self, ticks: list[dict[str, set]], version: str) -> list[str]:
        asked = [key for tick in ticks for key in tick.get("lake/responses", ())]
        return _by_version(asked).get(version, [])


def _by_version(keys) -> dict[str, list[str]]:
    return by_version(version_shards.get_partition_key_from_str(str(key)) for key in keys)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Extracted once with the built-in version; the store is built."""
    folder = tmp_path_factory.mktemp("automation")
    (folder / "prompts").mkdir()
    with OpenAIServer() as server, dg.DagsterInstance.ephemeral() as instance:
        environment = {
            "RECFEAT_LAKE": str(folder / "lake"),
            "RECFEAT_CATALOG": write_catalog(folder),
            "RECFEAT_PROMPTS": str(folder / "prompts"),
            "RECFEAT_PROMPT_STILL_MINUTES": "0",
            "RECFEAT_LLM_BASE_URL": server.base_url,
        }
        lake = Lake(folder / "lake")
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            driver = Driver(Settings(), instance, Reporter())
            plan = Plan(load_version("genome132-v1"), [], [], until="feature_store")
            driver.run(plan, lambda *_: None)
        yield World(folder, lake, instance, driver, server, environment)


@pytest.fixture(autouse=True)
def _settled(world, monkeypatch, _no_settings_from_outside):
    """Each test begins where automation has nothing to do, with the counts at zero."""
    for name, value in world.environment.items():
        monkeypatch.setenv(name, value)
    world.settle()
    world.server.counts.clear()


def calls(world: World) -> int:
    return world.server.counts["chat"]


def test_what_is_up_to_date_asks_for_nothing(world):
    world.read_catalog()
    assert world.settle() == []
    assert calls(world) == 0


def test_one_changed_text_asks_for_its_shard_and_buys_one_item(world):
    world.change(5, "Quite another film.")
    ticks = world.settle()
    assert ticks[0] == {"lake/documents": ALL_SHARDS}
    [shard] = shard_of([5], 16)
    assert world.shards_asked(ticks, load_version("genome132-v1").key) == [shard]
    assert calls(world) == GROUPS
    assert {"features/item_features", "metrics/agreement"} <= set(ticks[-1])
    texts = world.lake.read("documents").filter(item_id=5)["text"]
    assert "Quite another film." in texts[0]


def test_what_changed_before_it_was_switched_on_is_caught_up_with(world):
    world.change(13, "A thirteenth film that nobody knew of.")
    world.cursor = None  # switched on now
    world.settle()
    assert calls(world) == GROUPS
    texts = world.lake.read("documents").filter(item_id=13)["text"]
    assert "nobody knew of" in texts[0]
    assert world.settle() == []


def test_what_a_refused_key_left_is_bought_when_there_is_another_and_nobody_types(
    world, monkeypatch
):
    def use(key: str) -> None:
        monkeypatch.setenv("RECFEAT_LLM_API_KEY", key)
        driver = Driver(Settings(), world.instance, Reporter())
        monkeypatch.setattr(world, "driver", driver)

    monkeypatch.setattr(world.server, "api_key", "right")
    use("wrong")
    world.change(15, "A fifteenth film at last.")
    with pytest.raises(RecfeatError, match="refuses the API key"):
        world.settle()
    refused = calls(world)
    assert world.settle() == [], "it is not asked again with the same key"
    use("right")
    ticks = world.settle()
    [shard] = shard_of([15], 16)
    assert world.shards_asked(ticks, load_version("genome132-v1").key) == [shard]
    assert calls(world) == refused + GROUPS
    assert world.settle() == []


def test_a_text_that_changes_back_is_not_bought_again(world):
    world.change(5, "Quite another film.")
    world.settle()
    world.server.counts.clear()
    world.change(5, None)
    ticks = world.settle()
    assert len(world.shards_asked(ticks, load_version("genome132-v1").key)) == 1
    assert calls(world) == 0


def test_a_broken_version_keeps_nobody_else_from_being_followed(world):
    folder = world.folder / "prompts" / "broken"
    folder.mkdir()
    (folder / "version.toml").write_text("name = ")
    try:
        context = dg.build_sensor_context(instance=world.instance)
        result = register_prompt_versions(context, settings=Settings())
        assert "not valid TOML" in result.skip_reason.skip_message
        world.change(11, "The eleventh film has a new plot.")
        assert world.shards_asked(world.settle(), load_version("genome132-v1").key)
    finally:
        (folder / "version.toml").unlink()
        folder.rmdir()


def test_a_version_of_ones_own_is_registered_and_extracted_once(world):
    write_version(world.folder / "prompts", "mine", "Be sparing.")
    [key] = world.register()
    assert world.register() == set()
    ticks = world.settle()
    assert world.shards_asked(ticks, key) == sorted(ALL_SHARDS)
    assert calls(world) == GROUPS * 24
    assert world.lake.read("scores", version=key)["item_id"].n_unique() == 24
    assert world.settle() == []


def test_a_change_is_followed_by_ones_own_version_too_but_by_no_probe(world):
    built_in, own, probe = (
        load_version(name, world.folder / "prompts") for name in ("genome132-v1", "mine", PROBE)
    )
    world.driver.extract(probe)  # somebody asked for it once
    world.settle()
    world.server.counts.clear()
    world.change(7, "Nothing like the seventh film.")
    ticks = world.settle()
    [shard] = shard_of([7], 16)
    assert world.shards_asked(ticks, built_in.key) == [shard]
    assert world.shards_asked(ticks, own.key) == [shard]
    assert world.shards_asked(ticks, probe.key) == []
    assert calls(world) == 2 * GROUPS


def test_a_promoted_probe_is_followed_and_the_version_before_it_no_longer(world):
    built_in, probe = load_version("genome132-v1"), load_version(PROBE)
    world.lake.remember(promoted=probe.key)
    try:
        assert probe.key in world.register() | set(
            world.instance.get_dynamic_partitions(str(versions.name))
        )
        world.settle()
        world.change(9, "The ninth film is another one now.")
        ticks = world.settle()
        assert world.shards_asked(ticks, probe.key) == list(shard_of([9], 16))
        assert world.shards_asked(ticks, built_in.key) == []
    finally:
        world.lake.remember(promoted=built_in.key)


def test_a_version_under_edit_is_not_registered(world, monkeypatch):
    monkeypatch.setenv("RECFEAT_PROMPT_STILL_MINUTES", "10")
    write_version(world.folder / "prompts", "draft", "Not yet.")
    assert world.register() == set()
    monkeypatch.setenv("RECFEAT_PROMPT_STILL_MINUTES", "0")
    [key] = world.register()
    world.instance.delete_dynamic_partition(str(versions.name), key)  # the next test buys nothing
