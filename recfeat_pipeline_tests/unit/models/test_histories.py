import torch

from recfeat_pipeline.models.examples import build_examples
from recfeat_pipeline.models.histories import Histories
from recfeat_pipeline_tests.unit.models.worlds import make_events


def test_history_is_newest_first_and_weights_know_only_the_past():
    events = make_events(
        [
            (1, 4, 5.0, 1, "train"),
            (1, 5, 2.0, 2, "train"),
            (1, 6, 1.0, 3, "train"),
            (2, 7, 3.0, 1, "train"),
            (2, 8, 4.0, 2, "train"),
        ]
    )
    history, weights, targets = Histories(events, build_examples(events), 9)(torch.arange(3))
    assert targets.tolist() == [5, 6, 8]
    assert history[:, :3].tolist() == [[4, 9, 9], [5, 4, 9], [7, 9, 9]]
    # Before item 6 the user's mean is (5 + 2) / 2 = 3.5, whatever they rate later.
    assert weights[:, :3].tolist() == [[0.0, 0.0, 0.0], [-1.5, 1.5, 0.0], [0.0, 0.0, 0.0]]
    assert (history[:, 3:] == 9).all()


def test_only_the_last_fifty_events_are_seen():
    events = make_events([(1, item, 3.0, item, "train") for item in range(60)])
    examples = build_examples(events, per_user=100)
    history, _, _ = Histories(events, examples, 60)(torch.tensor([58]))
    assert history[0].tolist() == list(range(58, 8, -1))


def test_unknown_ratings_weigh_the_same():
    events = make_events(
        [(1, 0, None, 1, "train"), (1, 1, 5.0, 2, "train"), (1, 2, 1.0, 3, "test")]
    )
    _, weights, _ = Histories(events, build_examples(events), 3)(torch.arange(2))
    assert weights[:, :3].tolist() == [[1, 0, 0], [1, 1, 0]]


def test_uniform_weights_ignore_ratings():
    events = make_events(
        [(1, 0, 5.0, 1, "train"), (1, 1, 1.0, 2, "train"), (1, 2, 1.0, 3, "train")]
    )
    _, weights, _ = Histories(events, build_examples(events), 3)(torch.tensor([1]), uniform=True)
    assert weights[0, :3].tolist() == [1, 1, 0]
