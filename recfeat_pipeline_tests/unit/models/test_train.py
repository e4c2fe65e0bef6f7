import shutil
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models import checkpoints, fit
from recfeat_pipeline.models.arms import load_arms
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.examples import build_examples
from recfeat_pipeline.models.families import published
from recfeat_pipeline.models.module import TowerModule
from recfeat_pipeline.models.recipe import default_steps
from recfeat_pipeline.models.train import TrainingResult, train_arm
from recfeat_pipeline.schemas import RANKS
from recfeat_pipeline_tests.unit.models.worlds import (
    checkerboard,
    content_for,
    make_data,
    recipe_for,
)

EVENTS = checkerboard(n_users=300)
FEW = checkerboard(n_users=60)
LEAST = checkerboard(n_users=20)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def train(tmp_path, arm="llm", steps=64, events=EVENTS, **recipe) -> TrainingResult:
    return train_arm(
        load_arms()[arm],
        make_data(events),
        content_for(arm),
        recipe_for(arm, tmp_path, steps, **recipe),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("whole")


@pytest.fixture(scope="module")
def whole(folder) -> TrainingResult:
    """A training that nothing disturbed."""
    return train(folder)


@pytest.fixture(scope="module")
def long(tmp_path_factory) -> tuple[Path, TrainingResult]:
    """A training that ends long before its last step, and its folder."""
    folder = tmp_path_factory.mktemp("long")
    return folder, train(folder, steps=320)


@pytest.fixture
def copy(whole, folder, tmp_path):
    """A folder as it left it."""
    return shutil.copytree(folder, tmp_path / "copy")


def build(arm: str, data: Data) -> TowerModule:
    return published.build(data, content_for(arm), recipe_for(arm))


@pytest.mark.parametrize(("arm", "steps"), [("llm", 96), ("floor", 96)])
def test_the_obvious_answer_of_a_checkerboard(tmp_path, arm, steps):
    ranks = train(tmp_path, arm, steps).ranks
    # The unseen items of the user's parity come first; of those any may be next.
    assert (ranks["rank"] <= 10 - ranks["history_length"]).mean() > 0.9


def test_ranks_cover_the_test_examples_and_the_best_step_is_kept(long):
    _, result = long
    test = build_examples(EVENTS).filter(pl.col("split") == "test")
    assert result.ranks.schema == pl.Schema(RANKS)
    assert result.ranks["example_id"].equals(test["example_id"])
    assert result.ranks["target_item_id"].equals(test["target_index"].cast(pl.Int64) + 100)
    assert result.item_vectors.shape == (20, 128)
    assert result.log["step"].to_list() == list(range(20, 20 * result.log.height + 1, 20))
    assert result.best_step == result.log.row(result.log["valid_mrr"].arg_max())[0]


def test_a_run_without_progress_ends_early_and_stays_ended(long):
    folder, result = long
    stale = (result.log["step"][-1] - result.best_step) // 20
    assert stale == fit.PATIENCE, "this small world is learnt by heart long before step 320"
    seen = []
    again = train(folder, steps=320, progress=lambda step, steps: seen.append((step, steps)))
    last = result.log["step"][-1]
    assert seen == [(last, last)], "the bar is completed, no step is made"
    assert again.log.equals(result.log)


def test_the_same_arm_and_seed_give_the_same_bits(whole, tmp_path):
    one, two = whole, train(tmp_path)
    assert np.array_equal(one.item_vectors, two.item_vectors)
    assert one.ranks.equals(two.ranks)
    assert one.log.equals(two.log)


def test_a_killed_run_continues_to_the_same_bits(whole, tmp_path):

    def kill(step: int, steps: int) -> None:
        if step == 23:
            raise KeyboardInterrupt

    seen = []
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, progress=kill)
    resumed = train(tmp_path, progress=lambda step, steps: seen.append(step))
    assert min(seen) == 21, "continues after the evaluation at step 20"
    assert np.array_equal(whole.item_vectors, resumed.item_vectors)
    assert whole.log.equals(resumed.log)


def test_a_finished_run_is_not_repeated_and_other_content_starts_over(whole, copy):
    seen = []
    again = train(copy, progress=lambda step, steps: seen.append(step))
    assert seen in ([], [whole.log["step"].max()]), "at most the bar's end"
    assert again.ranks.equals(whole.ranks)
    seen.clear()
    train(copy, arm="floor", progress=lambda step, steps: seen.append(step))
    assert seen[0] == 1


def test_a_damaged_checkpoint_is_not_continued_from(whole, copy):
    damaged = bytearray((copy / "last.ckpt").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (copy / "last.ckpt").write_bytes(damaged)
    seen = []
    again = train(copy, progress=lambda step, steps: seen.append(step))
    assert seen[0] == 1
    assert np.array_equal(whole.item_vectors, again.item_vectors)


def test_every_arm_of_a_seed_reads_the_same_batches():
    train_rows = torch.arange(100)
    batches = list(islice(fit._Batches(train_rows, 5, 32), 6))
    later = next(iter(fit._Batches(train_rows, 5, 32, first=4)))
    assert torch.equal(batches[4], later), "a batch depends on the seed and the step alone"
    assert len(torch.cat(batches[:3]).unique()) == 96, "a pass sees no example twice"
    assert not torch.equal(batches[0], batches[3])
    shares = [next(iter(fit._Batches(train_rows, 5, 32, 0, (rank, 2)))) for rank in range(2)]
    assert sorted(torch.cat(shares).tolist()) == sorted(batches[0].tolist()), "devices share it"


def test_without_validation_the_last_step_is_kept(tmp_path):
    examples = build_examples(EVENTS).filter(pl.col("split") != "valid")
    data, recipe = make_data(EVENTS, examples=examples), recipe_for("floor", tmp_path, 20)
    result = train_arm(load_arms()["floor"], data, content_for("floor"), recipe)
    assert result.best_step == 20
    assert result.log["valid_mrr"].is_null().all()


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_split_without_examples_is_said(tmp_path, split):
    examples = build_examples(EVENTS).filter(pl.col("split") != split)
    data, recipe = make_data(EVENTS, examples=examples), recipe_for("popularity", tmp_path)
    with pytest.raises(RecfeatError, match=f"no {split} examples"):
        train_arm(load_arms()["popularity"], data, content_for("popularity"), recipe)


def test_the_published_catalogue_gets_the_published_steps():
    assert default_steps(3_440_000) == 160_000
    assert default_steps(100_000) == 4_687
    assert default_steps(10) == 300


def trainings() -> list[str]:
    """Arms that are trained, one of those that differ in what fills their slot alone."""
    of_kind = {}
    for arm in load_arms().values():
        if arm.is_trained:
            kind = arm.family_name, repr(arm.settings), bool(arm.content.sources)
            of_kind.setdefault(kind, arm.id)
    return list(of_kind.values())


@pytest.mark.parametrize("arm", trainings())
def test_every_arm_trains_and_ranks(tmp_path, arm):
    result = train(tmp_path, arm, steps=4, events=LEAST)
    assert result.log["train_loss"].is_finite().all()
    assert result.ranks["rank"].is_between(1, 20).all()


@pytest.mark.parametrize("arm", ["id_dropout_llm", "dropout_floor", "sampled_llm", "sasrec"])
def test_what_an_arm_draws_in_a_step_is_drawn_again_when_continued(tmp_path, arm):
    whole = train(tmp_path / "whole", arm, steps=6, events=FEW)

    def kill(step: int, steps: int) -> None:
        if step == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "killed", arm, steps=6, events=FEW, progress=kill)
    assert train(tmp_path / "killed", arm, steps=6, events=FEW).log.equals(whole.log)


def test_sampled_softmax_estimates_the_full_one():
    """Its loss over many draws is the full loss: the logQ correction removes the sampling."""
    data, losses = make_data(EVENTS), {}
    for arm, draws in (("llm", 1), ("sampled_llm", 40)):
        module = build(arm, data)
        rows = torch.arange(200)
        drawn = []
        for module.global_step in range(draws):
            drawn.append(module.training_step(rows).item())
        losses[arm] = np.mean(drawn)
    assert losses["sampled_llm"] == pytest.approx(losses["llm"], abs=0.02)


@pytest.mark.parametrize(
    ("negatives", "n_items", "expected"),
    [(None, 50_000, 0), (None, 50_001, 1_024), (0, 10**6, 0), (64, 10, 64)],
)
def test_a_large_catalogue_is_sampled_unless_something_else_is_said(negatives, n_items, expected):
    assert published.Settings(negatives=negatives).n_sampled(n_items) == expected


def test_new_items_are_no_candidates_and_never_learnt():
    examples = build_examples(EVENTS).filter(pl.col("target_index") != 7)
    module = build("floor", make_data(EVENTS, examples=examples, new=np.arange(20) == 7))
    module.training_step(torch.arange(100)).backward()
    history = module.histories(torch.arange(100))[0].history
    assert (history == 7).any(), "item 7 is in histories; only its candidacy is at stake"
    vectors = module.embed(torch.arange(3))[1]
    with torch.no_grad():
        module.tower.id_table.weight[7] += 3.0
    assert torch.equal(vectors[7], module.embed(torch.arange(3))[1][7])


def test_rare_items_are_treated_as_new_and_are_no_targets(tmp_path):
    rare = (pl.col("split") == "train") & (pl.col("item_index") < 2) & (pl.col("user_id") > 3)
    events = EVENTS.with_columns(split=pl.when(~rare).then("split"))
    module = build("rare_as_new_llm", make_data(events))
    assert module.new.nonzero().flatten().tolist() == [0, 1]
    result = train(tmp_path, "rare_as_new_llm", steps=4, events=events)
    assert result.log["train_loss"].is_finite().all(), "no step asks for an item that is not there"
    saved = checkpoints.load(tmp_path / "best.pt")
    assert torch.equal(saved["new"], module.new), "who serves the arm knows them too"


def test_history_dropout_leaves_out_older_items_while_training_only():
    module = build("dropout_floor", make_data(FEW))
    context, _ = module.histories(torch.arange(200))
    thinned = module._thinned(context)
    assert torch.equal(thinned.history[:, 0], context.history[:, 0]), "the newest item stays"
    older = context.history[:, 1:] < 20
    left = (thinned.history[:, 1:] < 20)[older].float().mean()
    assert 0.4 < left < 0.6
    assert (thinned.weights[thinned.history == 20] == 0).all()
    one, same = (module.embed(torch.arange(9))[0] for _ in range(2))
    assert torch.equal(one, same)


def test_a_larger_batch_takes_fewer_steps_and_larger_ones():
    module = build("large_batch_llm", make_data(FEW))
    assert module.steps == 2, "of the ten of 512"
    [group] = module.configure_optimizers()["optimizer"].param_groups
    assert group["initial_lr"] == pytest.approx(2e-3)


def test_the_learning_rate_falls_in_a_cosine_to_the_final_one():
    module = build("floor", make_data(FEW))
    schedule = module.configure_optimizers()["lr_scheduler"]["scheduler"]
    [first], [factor] = schedule.base_lrs, schedule.lr_lambdas
    steps = (0, module.steps / 3, module.steps / 2, module.steps, 2 * module.steps)
    rates = [first * factor(step) for step in steps]
    assert rates == pytest.approx([1e-3, 7.75e-4, 5.5e-4, 1e-4, 1e-4])
