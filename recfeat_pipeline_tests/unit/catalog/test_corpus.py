from dataclasses import replace

import polars as pl
import pytest

from recfeat_pipeline.catalog import corpus as corpus_rules
from recfeat_pipeline.catalog.corpus import build_corpus
from recfeat_pipeline.catalog.leaks import leak_check
from recfeat_pipeline.catalog.splits import SPLITS, split_of
from recfeat_pipeline.catalog.types import Catalog, CorpusRules
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.examples import build_examples
from recfeat_pipeline.models.leaks import example_leaks
from recfeat_pipeline.schemas import EVENTS, FIELDS, INTERACTIONS, ITEMS
from recfeat_pipeline_tests.unit.catalog.test_hashing import fnv, splitmix


def catalog(rows, rules, item_ids=None) -> Catalog:
    """A catalogue from (user, item, timestamp[, split]) rows."""
    rows = [(u, i, None, t, None, *(rest or [None])) for u, i, t, *rest in rows]
    text_ids = isinstance(rows[0][0], str)
    ids = {"user_id": pl.String, "item_id": pl.String} if text_ids else {}
    interactions = pl.DataFrame(rows, schema={**INTERACTIONS, **ids}, orient="row")
    item_ids = item_ids or sorted(set(interactions["item_id"]))
    items = pl.DataFrame({"item_id": item_ids}).with_columns(
        title=pl.format("Item {}", "item_id"),
        year=pl.lit(None, pl.Int32),
        genres=pl.lit(None, pl.List(pl.String)),
        imdb_id=pl.lit(None, pl.String),
        tmdb_id=pl.lit(None, pl.Int64),
    )
    fields = pl.DataFrame(schema=FIELDS | {"item_id": items.schema["item_id"]})
    return Catalog("t", items, fields, interactions, None, rules, (), "test")


def test_rules_indices_and_report():
    rows = [
        *((u, 10, u) for u in (1, 2, 3, 4)),  # item 10: four interactions
        *((u, 20, u + 1) for u in (1, 2, 3)),  # item 20: three
        *((u, 30, u + 2) for u in (1, 2)),  # item 30: two, not more than two
        (1, 40, 9), (2, 40, 9), (4, 40, 9), (5, 30, 1),
    ]  # fmt: skip
    rules = CorpusRules(2, min_user_interactions=2, max_user_interactions=2)
    corpus = build_corpus(catalog(rows, rules, item_ids=[10, 20, 30, 40, 50]))
    assert corpus.items.select("item_id", "n_ratings", "in_corpus", "item_index").rows() == [
        (10, 4, True, 0),
        (20, 3, True, 1),
        (30, 3, True, 2),
        (40, 3, True, 3),
        (50, 0, False, None),
    ]
    # Inside the corpus: user 1 has 4 events, 2 has 4, 3 has 2, 4 has 2, 5 has 1.
    assert corpus.events.select("user_id", "item_index", "timestamp", "position").rows() == [
        (3, 0, 3, 0),
        (3, 1, 4, 1),
        (4, 0, 4, 0),
        (4, 3, 9, 1),
    ]
    expected = {
        "items_read": 5,
        "items": 4,
        "items_without_interactions": 1,
        "items_with_too_few_interactions": 0,
        "users_read": 5,
        "users": 2,
        "users_outside_corpus": 0,
        "users_below_minimum": 1,
        "users_above_maximum": 2,
        "events_read": 13,
        "events_of_corpus_items": 13,
        "events": 4,
        "events_of_users_below_minimum": 1,
        "events_of_users_above_maximum": 8,
        "unordered_share": 0.0,
    }
    assert {key: corpus.report[key] for key in expected} == expected
    assert dict(corpus.items.schema) == ITEMS
    assert dict(corpus.events.schema) == EVENTS


def test_the_item_cut_off_is_exclusive_and_counts_before_the_user_filter():
    rows = [(u, 1, u) for u in range(1, 5)] + [(u, 2, u) for u in range(1, 4)] + [(9, 1, 1)]
    corpus = build_corpus(catalog(rows, CorpusRules(3, min_user_interactions=1)))
    assert corpus.items["in_corpus"].to_list() == [True, False]
    assert corpus.items["n_ratings"].to_list() == [5, 3]
    assert corpus.report["events_of_rare_items"] == 3


def test_tiers_have_equal_counts_and_break_ties_by_item_id():
    counts = {1: 3, 2: 1, 3: 1, 4: 1, 5: 2, 6: 5, 7: 1, 8: 1, 9: 4}
    rows = [(u, item, u) for item, n in counts.items() for u in range(1, n + 1)]
    corpus = build_corpus(catalog(rows, CorpusRules(0, min_user_interactions=1)))
    # By (count, id): 2 3 4 | 7 8 | 5 1 | 9 6; of nine items the first quarter takes three.
    assert corpus.items["tier"].to_list() == [
        "Q3", "Q1", "Q1", "Q1", "Q3", "Q4", "Q2", "Q2", "Q4",
    ]  # fmt: skip


@pytest.mark.parametrize("ids", ["numbers", "texts"])
def test_events_that_are_sorted_in_parts_come_in_the_same_order(ids, monkeypatch):
    """One user has more events than a part."""
    spelled = str if ids == "texts" else int
    rows = [
        (spelled(u * u), spelled(i), u % 3) for u in range(1, 9) for i in range(3 + 9 * (u == 4))
    ]
    world = catalog(rows, CorpusRules(0, min_user_interactions=1))
    whole = build_corpus(world).events
    monkeypatch.setattr(corpus_rules, "AT_ONCE", 5)
    assert build_corpus(world).events.equals(whole)


def drawn_order(user, items):
    """The pinned pseudo-random order of a user's items, in plain integers."""

    def hashed(text):
        return splitmix(fnv(text) ^ splitmix(0))

    return sorted(items, key=lambda item: splitmix(hashed(user) ^ splitmix(hashed(item))))


def test_events_of_one_time_are_drawn_and_never_in_the_order_of_ids():
    rows = [("ann", item, 50) for item in "abcdef"] + [("ann", "z", 40), ("ann", "y", 60)]
    corpus = build_corpus(catalog(rows, CorpusRules(0, 1)))
    items = corpus.items["item_id"].gather(corpus.events["item_index"]).to_list()
    assert items == ["z", *drawn_order("ann", "abcdef"), "y"]
    assert corpus.report["tied_share"] == 5 / 8
    assert corpus.report["unordered_share"] == 0


def test_positions_order_what_times_do_not():
    read = catalog([(1, item, None) for item in range(5)], CorpusRules(0, 1, split="leave_one_out"))
    placed = read.interactions.with_columns(position=pl.Series([3, 1, 4, 0, 2]))
    corpus = build_corpus(replace(read, interactions=placed))
    assert corpus.events["item_index"].to_list() == [3, 1, 4, 0, 2]
    assert corpus.events["split"].to_list() == ["train"] * 3 + ["valid", "test"]
    report = corpus.report
    assert (report["unordered_share"], report["untimed_share"], report["tied_share"]) == (0, 1, 0)
    assert report["users_left_out_untimed"] == 0
    same_time = placed.with_columns(timestamp=pl.lit(7, pl.Int64))
    corpus = build_corpus(replace(read, interactions=same_time))
    assert corpus.events["item_index"].to_list() == [3, 1, 4, 0, 2]


def test_a_target_that_follows_in_the_same_second_counts_as_tied():
    rows = [(1, 0, 10), (1, 1, 20), (1, 2, 30), (2, 0, 10), (2, 1, 20), (2, 2, 20)]
    report = build_corpus(catalog(rows, CorpusRules(0, 1, split="leave_one_out"))).report
    assert report["tied_share_test"] == 1 / 2
    assert report["tied_share_train"] == report["tied_share_valid"] == 0
    own = [(1, 0, 10, "train"), (1, 1, 10, "test")]  # the split tells them apart
    assert build_corpus(catalog(own, CorpusRules(0, 1))).report["tied_share"] == 0


@pytest.mark.parametrize("times", [[5] * 9, [5, 6] * 5, [1, *[9] * 20]])
def test_a_global_time_split_of_few_times_is_refused(times):
    rows = [(u, u % 3, t) for u, t in enumerate(times)]
    with pytest.raises(RecfeatError, match="distinct times, and equal ones stay together"):
        build_corpus(catalog(rows, CorpusRules(0, 1, split="global_time")))


def test_untimed_events_come_first_in_an_order_of_their_own():
    n = 50
    rows = [(u, i, None) for u in (1, 2) for i in range(n)] + [(1, n, 5), (1, n + 1, 4)]
    events = build_corpus(catalog(rows, CorpusRules(0, 1))).events
    first = events.filter(pl.col("user_id") == 1)["item_index"].to_list()
    second = events.filter(pl.col("user_id") == 2)["item_index"].to_list()
    assert first[-2:] == [n + 1, n]
    assert sorted(first[:n]) == sorted(second) == list(range(n))
    assert first[:n] != second  # each user has an order of his own
    assert first[:n] != sorted(first[:n])
    shuffled = pl.Series(rows).shuffle(seed=3).to_list()
    again = build_corpus(catalog(shuffled, CorpusRules(0, 1))).events
    assert again.equals(events)  # file order plays no part
    other = build_corpus(catalog(rows, CorpusRules(0, 1)), seed=1).events
    assert other["item_index"].to_list() != events["item_index"].to_list()


def test_the_untimed_order_is_pinned_for_ever():
    """By splitmix64 of user and item, in plain integers; any other order breaks saved runs."""
    order = drawn_order("ann", "abcdef")
    corpus = build_corpus(catalog([("ann", item, None) for item in "abcdef"], CorpusRules(0, 1)))
    assert corpus.events["item_index"].to_list() == ["abcdef".index(item) for item in order]
    assert corpus.events["item_index"].to_list() == [2, 1, 4, 5, 3, 0]


def test_a_provided_split_orders_train_valid_test():
    rows = [
        (1, 1, 90, "test"),
        (1, 2, None, "test"),
        (1, 3, 10, "valid"),
        (1, 4, 50, "train"),
        (1, 5, None, "train"),
    ]
    corpus = build_corpus(catalog(rows, CorpusRules(0, 1)))
    assert corpus.events.select("item_index", "split").rows() == [
        (4, "train"),
        (3, "train"),
        (2, "valid"),
        (1, "test"),
        (0, "test"),
    ]
    assert corpus.report["split"] == "provided"
    assert corpus.report["unordered_share"] == 0.4


def test_users_fall_whole_into_a_split():
    rows = [(u, i, i) for u in range(3000) for i in (1, 2)]
    events = build_corpus(catalog(rows, CorpusRules(0, 1))).events
    per_user = events.group_by("user_id").agg(pl.col("split").n_unique())
    assert per_user["split"].max() == 1
    shares = dict(events.group_by("split").agg(pl.len() / 6000).iter_rows())
    assert shares == {
        "train": pytest.approx(0.8, abs=0.025),
        "valid": pytest.approx(0.1, abs=0.02),
        "test": pytest.approx(0.1, abs=0.02),
    }
    other = build_corpus(catalog(rows, CorpusRules(0, 1)), seed=1).events
    assert not other["split"].equals(events["split"])


def test_the_published_split_has_no_test_users():
    rows = [(u, i, i) for u in range(3000) for i in (1, 2)]
    corpus = build_corpus(catalog(rows, CorpusRules(0, 1, split="published")))
    shares = dict(corpus.events.group_by("split").agg(pl.len() / 6000).iter_rows())
    assert shares == {"train": pytest.approx(0.9, abs=0.02), "valid": pytest.approx(0.1, abs=0.02)}


@pytest.mark.parametrize("split", [None, *SPLITS])
def test_no_split_leaks(split):
    rows = [(u, i, 10 * i + u) for u in range(40) for i in range(u % 7 + 1)]
    corpus = build_corpus(catalog(rows, CorpusRules(0, 1, split=split)))
    assert leak_check(corpus.events, corpus.report["split"]) == []
    assert example_leaks(corpus.events, build_examples(corpus.events)) == []
    assert corpus.report["split"] == (split or "three_way")


def splits_of(corpus) -> list[tuple]:
    return corpus.events.select("user_id", "item_index", "split").rows()


def test_a_global_time_split_cuts_everyone_at_the_same_moments():
    rows = [(1, 0, 10), (1, 1, 50), (2, 0, 20), (2, 1, 70), (2, 2, 90), (3, 1, 30), (3, 2, 30),
            (3, 0, 60), (3, 3, 100), (4, 0, 40)]  # fmt: skip
    rules = CorpusRules(0, 1, split="global_time", split_shares=(0.3, 0.4, 0.3))
    corpus = build_corpus(catalog(rows, rules))
    # In time: 10 20 30 30 40 50 60 70 90 100. The fourth is the first of valid, and the other 30
    # goes with it; the eighth is the first of test.
    assert (corpus.report["valid_from"], corpus.report["test_from"]) == (30, 70)
    assert sorted(splits_of(corpus)) == [
        (1, 0, "train"), (1, 1, "valid"),
        (2, 0, "train"), (2, 1, "test"), (2, 2, "test"),
        (3, 0, "valid"), (3, 1, "valid"), (3, 2, "valid"), (3, 3, "test"),
        (4, 0, "valid"),
    ]  # fmt: skip


def test_a_global_time_split_refuses_events_without_a_time():
    rules = CorpusRules(0, 1, split="global_time")
    with pytest.raises(RecfeatError, match="1 of 2 corpus events carry no time"):
        build_corpus(catalog([(1, 1, 5), (1, 2, None)], rules))


def test_leave_one_out_holds_out_the_last_two_of_who_has_three():
    rows = [(1, 0, 3), (1, 1, 1), (1, 2, 2), (1, 3, 4), (2, 0, 1), (2, 1, 2), (3, 0, 5),
            (3, 1, None), (3, 2, None)]  # fmt: skip
    corpus = build_corpus(catalog(rows, CorpusRules(0, 1, split="leave_one_out")))
    assert splits_of(corpus)[:6] == [
        (1, 1, "train"), (1, 2, "train"), (1, 0, "valid"), (1, 3, "test"),
        (2, 0, "train"), (2, 1, "train"),
    ]  # fmt: skip
    assert splits_of(corpus)[-1] == (3, 0, "test")
    assert corpus.report["users_left_out_untimed"] == 1, "the valid event of user 3 was drawn"


def test_a_named_split_wins_over_the_catalogues_own():
    rows = [(1, i, i, "train") for i in range(4)]
    assert build_corpus(catalog(rows, CorpusRules(0, 1))).report["split"] == "provided"
    corpus = build_corpus(catalog(rows, CorpusRules(0, 1, split="leave_one_out")))
    assert corpus.events["split"].to_list() == ["train", "train", "valid", "test"]


def test_a_user_stays_in_his_split_when_others_come_and_go():
    rows = [(f"u{u}", "a", 1) for u in range(100)]
    splits = dict(
        build_corpus(catalog(rows, CorpusRules(0, 1))).events.select("user_id", "split").iter_rows()
    )
    fewer = build_corpus(catalog(rows[40:60], CorpusRules(0, 1))).events
    assert all(splits[user] == split for user, split in fewer.select("user_id", "split").rows())


def test_rules_that_leave_nothing_say_so():
    rows = [(1, 1, 1), (1, 2, 2), (2, 1, 3)]
    with pytest.raises(
        RecfeatError, match=r"No item has more than 2 interactions \(the most is 2\)"
    ):
        build_corpus(catalog(rows, CorpusRules(2)))
    with pytest.raises(RecfeatError, match=r"No user has 20 to 500 .* \(users have 1 to 2\)"):
        build_corpus(catalog(rows, CorpusRules(0)))


def test_a_split_that_some_rows_bring_is_provided():
    rows = [(1, 1, 1, "train"), (1, 2, 2, None), (1, 3, 3, "test")]
    assert split_of(catalog(rows, CorpusRules(0, 1))) == "provided"
    assert split_of(catalog([(1, 1, 1), (1, 2, 2)], CorpusRules(0, 1))) == "three_way"
