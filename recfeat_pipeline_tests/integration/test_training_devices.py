"""Training on several devices, as two CPU processes."""

import numpy as np
import pytest

from recfeat_pipeline.models.arms import load_arms
from recfeat_pipeline.models.content import Content
from recfeat_pipeline.models.examples import build_examples
from recfeat_pipeline.models.fit import Hardware
from recfeat_pipeline.models.train import train_arm
from recfeat_pipeline_tests.unit.models.worlds import checkerboard, make_items

EVENTS = checkerboard(n_users=300)


def train(out_dir, hardware: Hardware | None = None, **kwargs):
    content = Content(np.eye(2, dtype=np.float32)[np.arange(20) % 2], ("even", "odd"), 1.0)
    return train_arm(
        load_arms()["llm"], 0, EVENTS, build_examples(EVENTS), make_items(20), content,
        steps=16, out_dir=out_dir, hardware=hardware, **kwargs,
    )  # fmt: skip


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
