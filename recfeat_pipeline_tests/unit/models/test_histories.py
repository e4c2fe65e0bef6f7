import torch

from recfeat_pipeline.models.examples import build_examples
from recfeat_pipeline.models.histories import TIME_BINS, Histories
from recfeat_pipeline_tests.unit.models.worlds import make_events


def read(events, n_examples: int, weights: str = "debiased"):
    examples = build_examples(events, per_user=100)
    assert examples.height == n_examples
    n_items = int(events["item_index"].max()) + 1
    return Histories(events, examples, n_items, weights)(torch.arange(n_examples))


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
    (history, weights, times, _), targets = read(events, 3)
    assert times.tolist() == [750, 1499, 750], "bins of the training time, 1 to 3"
    assert targets.tolist() == [5, 6, 8]
    assert history[:, :3].tolist() == [[4, 9, 9], [5, 4, 9], [7, 9, 9]]
    # Before item 6 the user's mean is (5 + 2) / 2 = 3.5, whatever they rate later.
    assert weights[:, :3].tolist() == [[0.0, 0.0, 0.0], [-1.5, 1.5, 0.0], [0.0, 0.0, 0.0]]
    assert (history[:, 3:] == 9).all()


def test_only_the_last_fifty_events_are_seen():
    events = make_events([(1, item, 3.0, item, "train") for item in range(60)])
    (history, _, _, _), _ = read(events, 59)
    assert history[58].tolist() == list(range(58, 8, -1))


def test_unknown_ratings_weigh_the_same():
    events = make_events(
        [(1, 0, None, 1, "train"), (1, 1, 5.0, 2, "train"), (1, 2, 1.0, 3, "test")]
    )
    (_, weights, _, _), _ = read(events, 2)
    assert weights[:, :3].tolist() == [[1, 0, 0], [1, 1, 0]]


def test_uniform_weights_ignore_ratings():
    events = make_events(
        [(1, 0, 5.0, 1, "train"), (1, 1, 1.0, 2, "train"), (1, 2, 1.0, 3, "train")]
    )
    (_, weights, _, _), _ = read(events, 2, "uniform")
    assert weights[1, :3].tolist() == [1, 1, 0]


def test_the_published_weights_know_the_future():
    events = make_events(
        [(1, 0, 5.0, 1, "train"), (1, 1, 1.0, 2, "train"), (1, 2, 3.0, 3, "train")]
    )
    (_, weights, _, _), _ = read(events, 2, "debiased_future")
    assert weights[:, :2].tolist() == [[2, 0], [-2, 2]], "the mean of all three ratings is 3"


def test_unknown_times_have_a_bin_of_their_own():
    events = make_events([(1, 0, 5.0, None, "train"), (1, 1, 1.0, None, "train")])
    (_, _, times, _), _ = read(events, 1)
    assert times.tolist() == [1500]


def test_bins_of_time_end_with_training_and_know_nothing_later():
    """Bins over all events would tell a training target how far off the end of the data is."""
    train = [(1, 4, None, 100, "train"), (1, 5, None, 200, "train"), (2, 4, None, 150, "train"),
             (2, 6, None, 200, "train")]  # fmt: skip
    later = [(3, 4, None, 90_000, "test"), (3, 5, None, 100_000, "test")]
    (_, _, times, _), _ = read(make_events(train), 2)
    (_, _, with_later, _), _ = read(make_events(train + later), 3)
    assert with_later.tolist()[:2] == times.tolist()
    assert with_later.tolist()[2] == TIME_BINS - 1, "what comes later shares the last bin"
