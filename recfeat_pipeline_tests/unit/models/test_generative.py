"""Semantic ids, and beams of them against every item scored one by one."""

import numpy as np
import torch

from recfeat_pipeline.content.codes import arbitrary_codes, residual_codes
from recfeat_pipeline.models.generative import UNSEEN, Generator
from recfeat_pipeline.models.histories import Context

RNG = np.random.default_rng(0)
CENTRES = RNG.normal(size=(4, 6)) * 10
"""Four kinds of item; within a kind two sorts, near each other; of each three of the same text."""
SORTS = RNG.normal(size=(8, 6))
MATRIX = np.repeat(np.repeat(CENTRES, 2, axis=0) + SORTS, 3, axis=0).astype(np.float32)
CODES = residual_codes(MATRIX, levels=2, size=4)


def context(history: list[int], n_items: int = 24) -> Context:
    rows = torch.tensor([history + [n_items] * (3 - len(history))])
    return Context(rows, (rows < n_items).float(), torch.zeros(1, dtype=torch.int64))


def test_the_first_code_is_the_kind_and_the_next_the_sort():
    kinds, sorts = np.repeat(np.arange(4), 6), np.repeat(np.arange(8), 3)
    assert _same_partition(CODES.prefixes(1), kinds)
    assert _same_partition(CODES.prefixes(2), sorts)


def _same_partition(one, other) -> bool:
    pairs = set(zip(one.tolist(), other.tolist(), strict=True))
    return len(pairs) == len(set(one.tolist())) == len(set(other.tolist()))


def test_items_of_the_same_codes_are_counted_and_told_apart():
    assert CODES.collisions().tolist() == [3] * 8
    assert CODES.sizes == (4, 4, 3)
    assert CODES.levels == 2
    assert len(np.unique(CODES.values, axis=0)) == 24
    lone = residual_codes(np.eye(4, dtype=np.float32), levels=1, size=4)
    assert lone.collisions().tolist() == []
    assert lone.sizes == (4, 1)


def test_arbitrary_codes_are_digits_of_which_no_two_items_share_all():
    codes = arbitrary_codes(100, levels=2, size=10)
    assert len(np.unique(codes.values[:, :2], axis=0)) == 100
    assert codes.sizes == (10, 10, 1)


def test_beams_that_leave_nothing_behind_score_every_item_by_its_codes():
    """Each score is the log probability of the item's codes, among those that some item has."""
    model = Generator(CODES, width=8, layers=1, heads=2, context=3).eval()
    told = context([5, 17])
    found = model.scores(told, beams=100)[0]
    np.testing.assert_allclose(float(found.exp().sum()), 1.0, rtol=1e-4)
    with torch.no_grad():
        memory, nothing = model.read(told)
        for item in (0, 5, 23):
            at, total = CODES.values[item], 0.0
            states = model.following(memory, nothing, model.values[item][None, :-1])[0]
            for place, value in enumerate(at):
                valid = np.unique(
                    CODES.values[(CODES.values[:, :place] == at[:place]).all(1), place]
                )
                logits = model.logits(states[place], place)[torch.from_numpy(valid)]
                total += float(logits.log_softmax(0)[list(valid).index(value)])
            np.testing.assert_allclose(float(found[item]), total, rtol=1e-4)


def test_what_a_narrow_beam_left_behind_stands_behind_what_it_reached():
    model = Generator(CODES, width=8, layers=1, heads=2, context=3).eval()
    whole, narrow = (model.scores(context([5]), beams)[0] for beams in (100, 1))
    reached = narrow > -UNSEEN / 2
    assert 0 < int(reached.sum()) < 24
    torch.testing.assert_close(narrow[reached], whole[reached])
    assert narrow[~reached].max() < narrow[reached].min()
    assert torch.isfinite(narrow).all()


def test_padding_changes_nothing():
    model = Generator(CODES, width=8, layers=1, heads=2, context=3).eval()
    short = Context(torch.tensor([[5]]), torch.ones(1, 1), torch.zeros(1, dtype=torch.int64))
    torch.testing.assert_close(model.scores(short, 100), model.scores(context([5]), 100))


def test_the_loss_falls_to_the_codes_of_what_comes_next():
    torch.manual_seed(0)
    model = Generator(CODES, width=16, layers=1, heads=2, context=3, dropout=0.0)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    target = torch.tensor([11])
    for _ in range(30):
        optimizer.zero_grad()
        model.loss(context([5]), target).backward()
        optimizer.step()
    assert int(model.eval().scores(context([5]), 10)[0].argmax()) == 11
