import numpy as np
import polars as pl
import pytest
import torch

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models import cold_start, neighbours
from recfeat_pipeline.models.arms import load_arms
from recfeat_pipeline.models.cold_start import build_cold_world, rank_cold
from recfeat_pipeline.models.item_models import cosine_neighbours, gram
from recfeat_pipeline.models.neighbours import CoWatched
from recfeat_pipeline.models.taken import Taken
from recfeat_pipeline.schemas import COLD_RANKS, NEIGHBOURS
from recfeat_pipeline_tests.unit.models.worlds import (
    PARITY,
    checkerboard,
    content_for,
    make_data,
    make_events,
    make_items,
    recipe_for,
)

EVENTS = checkerboard(n_users=300)
ITEMS = make_items(20)
DATA = make_data(EVENTS)


@pytest.fixture
def world(monkeypatch):
    monkeypatch.setattr(cold_start, "WARM_UP", (1, 5))
    return build_cold_world(DATA, seed=0, share=0.4)


def test_held_back_items_keep_what_they_are_left_and_no_more(world):
    assert sorted(world.n_train) == [-1] * 12 + [0] * 4 + [1] * 2 + [5] * 2
    left = world.data.events.filter(pl.col("split") == "train").group_by("item_index").len()
    for item, count in left.rows():
        assert world.n_train[item] in (-1, count)
    assert not set(left["item_index"]) & set(np.flatnonzero(world.new))
    elsewhere = world.data.events.filter(pl.col("split") != "train")
    assert (world.n_train[elsewhere["item_index"]] == -1).all()


def test_the_cold_worlds_rows_are_the_old_ones_in_order(world):
    by_user = world.data.events.group_by("user_id", maintain_order=True)
    assert world.data.events["position"].to_list() == [
        number for _, rows in by_user for number in range(rows.height)
    ]
    kept = world.data.events.join(EVENTS, on=["user_id", "item_index"], how="semi")
    assert kept.height == world.data.events.height


def test_targets_are_the_test_users_choices_among_them(world):
    cold = world.data.examples.filter(pl.col("split") == "test")
    assert cold.equals(world.targets.examples)
    assert cold.height > 20
    assert (world.n_train[cold["target_index"]] >= 0).all()
    seen = world.targets.seen
    for number, example in enumerate(cold.iter_rows(named=True)):
        start, stop = example["event_row"] - example["history_length"], example["event_row"]
        history = world.data.events[start:stop]
        assert (history["user_id"] == example["user_id"]).all(), "a history is the user's own"
        before = seen.items[seen.starts[number] : seen.stops[number]].tolist()
        own = EVENTS.filter(user_id=example["user_id"])["item_index"].to_list()
        assert own[: len(before) + 1] == [*before, example["target_index"]], "all of it is masked"
        expected = [item for item in before if world.n_train[item] == -1]
        assert history["item_index"].to_list() == expected


def run(tmp_path, world, arm: str) -> pl.DataFrame:
    return rank_cold(load_arms()[arm], world, content_for(arm), recipe_for(arm, tmp_path, 200))


def test_content_finds_new_items_and_ids_cannot(tmp_path, world):
    floor, llm = run(tmp_path / "floor", world, "floor"), run(tmp_path / "llm", world, "llm")
    assert floor.schema == pl.Schema(COLD_RANKS)
    new = pl.col("n_train") == 0
    assert floor.filter(~new)["rank_new"].is_null().all()
    assert floor.filter(new)["rank_new"].n_unique() <= 4, "to the floor all new items are alike"
    parities = np.bincount(np.flatnonzero(world.new) % 2, minlength=2).tolist()
    n_good = (llm["target_item_id"] % 2).replace_strict(dict(enumerate(parities)))
    found = llm.with_columns(found=pl.col("rank_new") <= n_good).filter(new)
    assert found["found"].mean() > 0.9, "new items of the user's parity come first"
    assert llm.filter(new)["rank_new"].max() <= world.new.sum()


def test_ease_with_content_reaches_new_items(tmp_path, world):
    plain, content = (run(tmp_path, world, arm) for arm in ("ease", "ease_llm"))
    new = pl.col("n_train") == 0
    assert content.filter(new)["rank"].mean() < plain.filter(new)["rank"].mean()


def test_a_cold_target_keeps_its_own_time(tmp_path, world):
    """Its row points to where it stood among the events that are left, which is another event."""
    cold = world.data.examples.filter(pl.col("split") == "test")
    original = EVENTS["timestamp"].gather(world.targets.seen.stops)
    assert cold["timestamp"].to_list() == original.to_list()
    ranks = run(tmp_path, world, "recent_popularity")
    assert ranks.height == cold.height


def test_no_item_is_left_more_than_it_has(monkeypatch):
    monkeypatch.setattr(cold_start, "WARM_UP", (1, 100_000))
    world = build_cold_world(DATA, seed=0, share=0.4)
    assert sorted(set(world.n_train)) == [-1, 0, 1]


def test_arms_of_a_seed_share_a_world_and_seeds_differ():
    one, same, other = (build_cold_world(DATA, seed) for seed in (0, 0, 1))
    assert np.array_equal(one.n_train, same.n_train)
    assert one.data.examples.equals(same.data.examples)
    assert not np.array_equal(one.n_train, other.n_train)


def test_a_catalogue_without_cold_choices_is_said():
    events = make_events([(1, item, 3.0, item, "train") for item in range(10)])
    with pytest.raises(RecfeatError, match=r"seed 0.*too small.*without --cold-start"):
        build_cold_world(make_data(events, 10))


def test_nearest_by_co_watching_are_those_of_the_dense_matrix(monkeypatch):
    """Whatever the block, and where a user took an item twice."""
    monkeypatch.setattr(neighbours, "MIN_COUNT", 1)
    rng = np.random.default_rng(0)
    rows = [(u, int(rng.integers(12)), 3.0, t, "train") for u in range(40) for t in range(6)]
    events = make_events(rows)
    train = Taken.of(events, 12)
    cosine = cosine_neighbours(gram(train), 12)
    expected = cosine.sort(dim=1, descending=True).values[:, :4]
    for block in (5, 100):
        monkeypatch.setattr(neighbours, "BLOCK", block)
        nearest = CoWatched.of(events, make_items(12), k=4).nearest
        assert torch.equal(cosine.gather(1, nearest), expected)
        assert (nearest != torch.arange(12)[:, None]).all(), "no item is its own neighbour"


def test_content_neighbours_against_co_watch_neighbours(monkeypatch):
    monkeypatch.setattr(neighbours, "MIN_COUNT", 5)
    co_watched = CoWatched.of(EVENTS, ITEMS, k=9)
    table = co_watched.overlap(PARITY)
    assert table.schema == pl.Schema(NEIGHBOURS)
    assert table["overlap"].to_list() == [1.0] * 20, "items of a parity are watched together"
    assert table["expected"][0] == pytest.approx(9 / 19)
    nonsense = np.random.default_rng(0).standard_normal((20, 3)).astype(np.float32)
    nonsense[3] = 0
    random = co_watched.overlap(nonsense)
    assert random.height == 19, "an item without content is left out"
    assert random["overlap"].mean() < 0.65
