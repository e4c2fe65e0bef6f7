"""Training on several devices, as two CPU processes."""

import numpy as np
import pytest

from recfeat_pipeline.models.arms import load_arms
from recfeat_pipeline.models.recipe import Hardware
from recfeat_pipeline.models.train import train_arm
from recfeat_pipeline_tests.unit.models.worlds import (
    checkerboard,
    content_for,
    make_data,
    recipe_for,
)

DATA = make_data(checkerboard(n_users=300))


def train(out_dir, hardware: Hardware | None = None):
    recipe = recipe_for("llm", out_dir, 16, hardware=hardware or Hardware())
    return train_arm(load_arms()["llm"], DATA, content_for("llm"), recipe)


@pytest.mark.filterwarnings("ignore")
def test_two_processes_take_the_steps_of_one(tmp_path):
    """Each takes half of every batch, so that the gradients and the run are the same."""
    one = train(tmp_path / "one")
    two = train(tmp_path / "two", Hardware("cpu", devices=2, strategy="ddp_spawn"))
    assert two.log["step"].equals(one.log["step"])
    assert two.log["train_loss"].to_list() == pytest.approx(
        one.log["train_loss"].to_list(), rel=1e-4
    )
    assert np.allclose(one.item_vectors, two.item_vectors, atol=1e-3)
    assert (one.ranks["rank"] == two.ranks["rank"]).mean() > 0.95
