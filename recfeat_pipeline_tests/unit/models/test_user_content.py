"""What is known of users in the families that take it: the taste that only it tells is learnt."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from recfeat_pipeline.content.slot import Content, UserContent
from recfeat_pipeline.models.families import lightgcn, tower
from recfeat_pipeline.models.ranks import HeldOut
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline_tests.unit.models.worlds import NO_CONTENT, make_data, make_events

N_USERS, N_ITEMS = 60, 40


def told(rows: np.ndarray) -> Content:
    """Rows of the users 0, 1, …, and no content of items."""
    known = UserContent(pl.Series(range(len(rows))), rows.astype(np.float32), 1.0)
    return replace(NO_CONTENT, matrix=np.zeros((N_ITEMS, 0), np.float32), users=known)


@pytest.fixture(scope="module")
def data():
    """Everybody's last item is one of four, by their number, after some that say nothing."""
    rng, rows = np.random.default_rng(0), []
    for user in range(N_USERS):
        items = [*rng.permutation(np.arange(4, N_ITEMS))[:5].tolist(), user % 4]
        last = ("train", "train", "train", "valid", "test")[user // 4 % 5]
        rows += [(user, item, 4.0, at, "train" if at < 5 else last) for at, item in
                 enumerate(items)]  # fmt: skip
    return make_data(make_events(rows), N_ITEMS)


def test_a_tower_reads_them_at_each_request(data, tmp_path):
    settings = replace(tower.Settings(), width=16, dropout=0.0, batch_size=64)
    held, taste = data.held_out("test"), np.eye(4)[np.arange(N_USERS) % 4]
    nothing = replace(told(taste), users=None)
    last = held.targets < 4
    scorers, mrr = {}, {}
    for name, content in (("told", told(taste)), ("not", nothing)):
        recipe = Recipe(settings, steps=30, out_dir=tmp_path / name)
        scorers[name] = tower.fit(data, content, recipe)
        mrr[name] = (1 / held.rank(scorers[name])[0][last]).mean()
    assert mrr["told"] > 0.7 > 0.3 > mrr["not"], mrr
    users = scorers["told"].user_vectors(held)
    nobody = replace(held, examples=held.examples.with_columns(user_id=pl.lit(None, pl.Int64)))
    assert not torch.allclose(scorers["told"].user_vectors(nobody), users)
    assert torch.isfinite(scorers["told"].over(HeldOut.liked([5, 6], N_ITEMS))(0, 1)).all()
    again = tower.load(data, told(taste), Recipe(settings, steps=30, out_dir=tmp_path / "told"))
    torch.testing.assert_close(again.user_vectors(held), users)


@pytest.mark.parametrize("way", ["contrast", "reconstruct"])
def test_a_graph_is_aligned_with_them_and_serves_without(data, way, tmp_path):
    settings = replace(
        lightgcn.Settings(), fuse=way, align_weight=1.0, hidden_share=0.5, batch_size=64, width=16
    )
    content = told(np.random.default_rng(0).standard_normal((N_USERS, 8)))
    recipe = Recipe(settings, steps=40, out_dir=tmp_path)
    every = torch.arange(N_USERS)

    @torch.no_grad()
    def apart(module: lightgcn.GraphModule) -> float:
        hidden = every if way == "reconstruct" else None
        return float(module._users_apart(module.tower.rows()[0], every, hidden))

    module = lightgcn.build(data, content, recipe)
    before = apart(module)
    module.tower.load_state_dict(lightgcn.fit(data, content, recipe).tower.state_dict())
    assert apart(module) < before - 0.3
    assert module.tower.item_vectors().shape == (N_ITEMS, 16), "as wide as without"
