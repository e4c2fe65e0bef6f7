from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import pytest

from recfeat_pipeline.content.slot import ContentUnavailable
from recfeat_pipeline.defs.partitions import arm_seed_key
from recfeat_pipeline.defs.training import prepared
from recfeat_pipeline.defs.training.inputs import Inputs
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.arms import Arm, load_arms
from recfeat_pipeline.settings import Settings
from recfeat_pipeline_tests.unit.models.worlds import NO_CONTENT, checkerboard, make_data


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Prepare an arm with inputs, or with what is raised instead; what was said is noted."""
    lake, said = Lake(tmp_path), []

    def prepare(arm: Arm, inputs: Inputs | Exception) -> prepared.Prepared | None:
        def load(*_):
            if isinstance(inputs, Exception):
                raise inputs
            return inputs

        monkeypatch.setattr(prepared, "load_inputs", load)
        monkeypatch.setattr(prepared, "load_arms", lambda: {arm.id: arm})
        context = SimpleNamespace(
            partition_key=arm_seed_key(arm.id, 0),
            log=SimpleNamespace(warning=said.append),
        )
        store = SimpleNamespace(get_connection=nullcontext)
        return prepared.prepare(
            context, SimpleNamespace(open=lambda: lake), store, Settings(), None, 10
        )

    return SimpleNamespace(prepare=prepare, lake=lake, said=said)


INPUTS = Inputs(make_data(checkerboard()), NO_CONTENT, None, "test")


def of_ten_items(name: str) -> Arm:
    """The arm, whose family refuses more than ten items."""
    arm = replace(load_arms()[name])
    arm.__dict__["family"] = replace(arm.family, most_items=10)
    return arm


def test_what_is_there_is_prepared(ask):
    assert ask.prepare(load_arms()["ease"], INPUTS).steps == 10
    assert ask.said == []


def test_a_catalogue_too_large_for_a_family_is_skipped_with_a_sentence(ask):
    assert ask.prepare(of_ten_items("ease"), INPUTS) is None
    reason = ask.lake.read_note("skipped", arm="ease", seed="0")["reason"]
    assert reason == (
        "EASE holds a matrix of items × items, which for 20 items are 0 GB; it is fitted up to "
        "10 items."
    )
    assert ask.said == [f"Arm ease: {reason}"]


def test_an_arm_without_its_content_is_skipped_with_a_sentence(ask):
    missing = ContentUnavailable("It needs llm features, and there are none.")
    assert ask.prepare(load_arms()["llm"], missing) is None
    assert ask.lake.read_note("skipped", arm="llm", seed="0")["reason"] == str(missing)
