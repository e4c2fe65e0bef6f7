import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recfeat_pipeline.models import ranks
from recfeat_pipeline.models.examples import build_examples
from recfeat_pipeline.models.ranks import Seen, rank_examples, rank_scores
from recfeat_pipeline_tests.unit.models.worlds import make_events


def rank_of(scores: list[float], target: int, seen: list[int]) -> tuple[int, int]:
    items = np.array(seen, np.int64)
    first = np.array([item not in seen[:at] for at, item in enumerate(seen)], bool)
    given_seen = Seen(items, first, np.array([0]), np.array([len(seen)]))
    got = rank_scores(lambda *_: torch.tensor([scores]), np.array([target]), given_seen)
    return int(got[0][0]), int(got[1][0])


@pytest.mark.parametrize(
    ("scores", "target", "seen", "expected"),
    [
        ([0.9, 0.5, 0.1], 1, [], (2, 2)),
        ([0.9, 0.5, 0.1], 1, [0], (1, 2)),  # the better one was seen
        ([0.9, 0.5, 0.1], 1, [0, 0, 0], (1, 2)),  # a repeat is taken out once
        ([0.9, 0.5, 0.1], 1, [1], (2, 2)),  # a target watched before stays a candidate
        ([0.5, 0.5, 0.5, 0.5, 0.5], 2, [], (3, 3)),  # constant: the middle
        ([0.5, 0.5, 0.5, 0.5], 2, [], (3, 3)),  # 2.5 rounded up
        ([0.5, 0.5, 0.5, 0.5], 2, [0], (2, 3)),
        ([0.9, 0.5, 0.5, 0.1], 1, [3], (3, 3)),
    ],
)
def test_hand_computed_ranks(scores, target, seen, expected):
    assert rank_of(scores, target, seen) == expected


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-3, 3), min_size=1, max_size=12),
    st.data(),
)
def test_equals_the_definition(scores, data):
    target = data.draw(st.integers(0, len(scores) - 1))
    seen = data.draw(st.lists(st.integers(0, len(scores) - 1), max_size=8))
    others = [s for i, s in enumerate(scores) if i != target and i not in seen]
    better = sum(s > scores[target] for s in others)
    tied = sum(s == scores[target] for s in others)
    assert rank_of([float(s) for s in scores], target, seen)[0] == 1 + better + -(-tied // 2)


def test_the_whole_history_is_seen_not_only_the_last_fifty(monkeypatch):
    monkeypatch.setattr(ranks, "BLOCK", 2)  # so that blocks are joined
    rows = [(u, (i * 7 + u) % 80, 3.0, i, "test") for u in (1, 2) for i in range(80)]
    events = make_events(rows)
    examples = build_examples(events)
    targets = examples["target_index"].to_numpy()
    vectors = torch.randn(80, 4, generator=torch.Generator().manual_seed(0))
    users = torch.randn(examples.height, 4, generator=torch.Generator().manual_seed(1))
    got, _ = rank_examples(users, vectors, targets, Seen.of(events, examples))
    for example, user in zip(examples.iter_rows(named=True), users, strict=True):
        start = example["event_row"] - example["history_length"]
        history = events["item_index"][start : example["event_row"]].to_list()
        scores = vectors @ user
        scores[history] = -torch.inf
        expected = 1 + int((scores > scores[example["target_index"]]).sum())
        assert got[example["example_id"]] == expected
