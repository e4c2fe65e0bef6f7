"""The graph's product, LightGCN's rows, and what each way of fusing content serves."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from recfeat_pipeline.explore.queries import nearest
from recfeat_pipeline.models.alignment import info_nce, ridge_map
from recfeat_pipeline.models.families import lightgcn
from recfeat_pipeline.models.graph import Graph
from recfeat_pipeline.models.histories import Context
from recfeat_pipeline.models.light_gcn import WAYS, LightGcn
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.taken import Taken
from recfeat_pipeline_tests.unit.models.worlds import (
    NO_CONTENT,
    PARITY,
    checkerboard,
    make_content,
    make_data,
    make_events,
)

TAKEN = [(0, 0), (0, 1), (1, 1), (1, 2), (1, 3)]
"""Two users of four items: degrees 2 and 3; 1, 2, 1, 1."""
EDGES = torch.tensor([[2**-0.5, 4**-0.5, 0, 0], [0, 6**-0.5, 3**-0.5, 3**-0.5]])
DATA = make_data(checkerboard(n_users=60))
SETTINGS = replace(lightgcn.Settings(), batch_size=128)


def graph() -> Graph:
    events = make_events([(user, item, 4.0, 1, "train") for user, item in TAKEN])
    return Graph(Taken.of(events, 4))


def build(content=NO_CONTENT, **settings):
    return lightgcn.build(DATA, content, Recipe(replace(SETTINGS, **settings)))


def test_an_edge_is_worth_one_over_the_root_of_both_degrees():
    rows = torch.eye(4)
    torch.testing.assert_close(graph().to_users(rows), EDGES)
    torch.testing.assert_close(graph().to_items(torch.eye(2)), EDGES.T.contiguous())


def test_the_gradient_is_that_of_the_matrix():
    rows = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    one, same = rows.clone().requires_grad_(), rows.clone().requires_grad_()
    layers = graph().layers(torch.zeros(2, 3), one, 2)
    (layers[-1][1] ** 2).sum().backward()
    ((EDGES.T @ (EDGES @ same)) ** 2).sum().backward()
    torch.testing.assert_close(one.grad, same.grad)


def test_rows_are_the_mean_of_the_layers():
    tower = LightGcn(graph(), None, lightgcn.Settings(layers=2, width=2))
    users, items = tower.user_table.weight, tower.item_table.weight
    once = EDGES @ items, EDGES.T @ users
    twice = EDGES @ once[1], EDGES.T @ once[0]
    found = tower.rows()
    torch.testing.assert_close(found[0], (users + once[0] + twice[0]) / 3)
    torch.testing.assert_close(found[1], (items + once[1] + twice[1]) / 3)


def test_somebody_new_is_a_node_with_the_edges_of_their_history():
    """A user with user 1's history gets user 1's row, but for the id and the size."""
    tower = LightGcn(graph(), None, lightgcn.Settings(layers=2, width=2))
    with torch.no_grad():
        of_one = tower.rows()[0][1] - tower.user_table.weight[1] / 3
        history = torch.tensor([[3, 2, 1]])  # the newest first
        known = Context(history, torch.ones(1, 3), torch.zeros(1, dtype=torch.int64))
        found = tower.user_vectors(known)[0]
    torch.testing.assert_close(found / found.norm(), of_one / of_one.norm())


@pytest.mark.parametrize(
    ("way", "columns"), [("concat", 128), ("contrast", 64), ("reconstruct", 64)]
)
def test_what_is_served(way, columns):
    """An aligned row is as wide as one without content, and no score reads the content again."""
    module = build(make_content(PARITY), fuse=way)
    assert module.tower.item_vectors().shape == (20, columns)
    assert (module.tower.content is None) == (way != "concat")
    assert build().tower.item_vectors().shape == (20, 64)


@pytest.mark.parametrize("way", WAYS[1:])
def test_alignment_tells_texts_apart_by_the_rows(way, tmp_path):
    content = make_content(np.random.default_rng(0).standard_normal((20, 8)).astype(np.float32))
    recipe = Recipe(
        replace(SETTINGS, fuse=way, align_weight=1.0, hidden_share=0.5), steps=24, out_dir=tmp_path
    )
    every = torch.arange(20)

    @torch.no_grad()
    def apart(tower: LightGcn) -> float:
        module = lightgcn.build(DATA, content, recipe)
        module.tower.load_state_dict(tower.state_dict())
        hidden = every if way == "reconstruct" else None
        return float(module._apart(module.tower.rows()[1], every, hidden))

    before = apart(lightgcn.build(DATA, content, recipe).tower)
    assert apart(lightgcn.fit(DATA, content, recipe).tower) < before - 0.3


def test_hidden_items_are_known_by_their_neighbours_alone():
    tower = LightGcn(graph(), None, lightgcn.Settings(layers=2, width=2))
    first = tower._layers(torch.tensor([1]))[0][1]
    assert first[1].abs().sum() == 0
    torch.testing.assert_close(first[[0, 2, 3]], tower.item_table.weight[[0, 2, 3]])


def test_cosines_of_two_profiles_and_how_far_they_are_told_apart():
    """Of the source: a film's profile is .99 like its sequel's and .32 like another's."""
    profiles = np.array([[1.0, 0.0, 0.0], [0.99, 0.141067, 0.0], [0.32, 0.0, 0.947418]])
    near = nearest(profiles.astype(np.float32), 0, 2)
    assert [(row, round(cosine, 2)) for row, cosine in near] == [(1, 0.99), (2, 0.32)]
    rows = torch.from_numpy(profiles)
    loss = info_nce(rows[:1].repeat(2, 1), rows[1:], temperature=0.2)
    told = np.log1p(np.exp((0.32 - 0.99) / 0.2)), np.log1p(np.exp((0.99 - 0.32) / 0.2))
    assert float(loss) == pytest.approx(np.mean(told), abs=1e-4)


def test_a_new_item_is_where_items_of_its_content_are():
    known = torch.from_numpy(PARITY[:10])
    rows = known @ torch.tensor([[1.0, 0.0, 3.0], [0.0, 2.0, 3.0]])
    found = ridge_map(known, rows, torch.from_numpy(PARITY[10:12]), ridge=1e-6)
    torch.testing.assert_close(found, rows[:2], atol=1e-4, rtol=0)


def test_no_event_of_a_user_counts_as_one_they_would_not_take():
    module = build(negatives=200)
    user = torch.zeros(1, dtype=torch.int64)
    taken = set(DATA.train.columns[: int(DATA.train.lengths()[0])].tolist())
    drawn = module._drawn(user)
    counts = ~torch.isin(user[:, None] * 20 + drawn, module.events)
    assert set(drawn[counts].tolist()) == set(range(20)) - taken


def test_pairs_are_learnt_beside_the_events():
    """A training user whose pair prefers one item to another comes to have it above the other."""
    user = DATA.train_events["user_id"][0]
    pairs = pl.DataFrame({"user_id": [user], "preferred": [19], "passed": [0]})
    recipe = Recipe(replace(SETTINGS, pairs_weight=1.0), steps=24)

    def margin(content):
        module = lightgcn.build(DATA, content, recipe)
        optimiser = torch.optim.Adam(module.parameters(), 0.02)
        for _ in range(20):
            optimiser.zero_grad()
            module.loss(torch.arange(len(module.events))).backward()
            optimiser.step()
        users, items = module.tower.rows()
        return float((users[0] @ (items[19] - items[0])).detach())

    with_pairs = replace(NO_CONTENT, pairs=pairs)
    assert margin(with_pairs) > margin(NO_CONTENT) + 0.5
    assert lightgcn.build(DATA, replace(NO_CONTENT, pairs=pairs.clear()), recipe).pairs is None
