"""Both readers on real data; every expected number comes from the csv module or from DuckDB."""

import csv
from collections import Counter
from dataclasses import replace

import duckdb
import polars as pl
import pytest

from recfeat_pipeline.catalog.check import check_catalog
from recfeat_pipeline.catalog.corpus import build_corpus
from recfeat_pipeline.catalog.leaks import leak_check
from recfeat_pipeline.catalog.movielens import frequent_tags, read_user_tags
from recfeat_pipeline.catalog.read import read_catalog


@pytest.fixture(scope="module")
def movielens_1m(shared_data):
    return read_catalog(str(shared_data / "movielens-1m.toml"))


@pytest.fixture(scope="module")
def corpus_1m(movielens_1m):
    return build_corpus(movielens_1m)


@pytest.fixture(scope="module")
def latest_small(shared_data):
    return read_catalog(str(shared_data / "ml-latest-small"))


def one(query: str) -> tuple:
    return duckdb.execute(query).fetchall()[0]


def test_movielens_1m_is_read_whole(movielens_1m, shared_data):
    assert movielens_1m.items.height == 10_512
    assert movielens_1m.interactions.height == 1_000_209
    texts = one(f"""
        SELECT count(plot), count(*) FILTER (len(directors) > 0), count(wikipedia_intro)
        FROM '{shared_data}/movie_text.parquet'
    """)
    labels = dict(movielens_1m.fields["label"].value_counts().iter_rows())
    assert (labels["Plot"], labels["Director"], labels["Wikipedia"]) == texts
    assert labels["Title"] == 10_512
    # Some texts hold markup, which is never fed; only tags of movies outside the text table go.
    notes = [(n.kind, n.count) for n in movielens_1m.notes]
    assert notes == [("html", 293), ("tags_of_unknown_items", 3_986)]
    toy_story = movielens_1m.fields.filter(pl.col("item_id") == 1)
    assert toy_story["label"].to_list()[:4] == ["Title", "Genres", "Director", "Cast"]
    assert toy_story["text"].to_list()[1] == "Adventure, Animation, Children, Comedy, Fantasy"


def test_movielens_1m_corpus(corpus_1m, shared_data):
    log = f"'{shared_data}/movielens-1m/interactions.parquet'"
    items, users, events = one(f"""
        WITH kept AS (SELECT item_id FROM {log} GROUP BY 1 HAVING count(*) > 200),
             inside AS (SELECT user_id, item_id FROM {log} SEMI JOIN kept USING (item_id)),
             people AS (SELECT user_id, count(*) AS n FROM inside GROUP BY 1
                        HAVING count(*) BETWEEN 20 AND 500)
        SELECT (SELECT count(*) FROM kept), count(*), sum(n) FROM people
    """)
    assert (items, users, events) == (1_420, 5_588, 690_391)
    assert corpus_1m.report["items"] == items
    assert corpus_1m.report["users"] == users
    assert corpus_1m.report["events"] == events == corpus_1m.events.height
    assert corpus_1m.items["tier"].value_counts().drop_nulls()["count"].to_list() == [355] * 4
    assert corpus_1m.report["split"] == "provided"
    assert corpus_1m.events["item_index"].max() == items - 1


def test_movielens_1m_histories_do_not_leak(corpus_1m):
    """The split is global in time, and no history knows its future."""
    assert leak_check(corpus_1m.events) == []
    ends = corpus_1m.events.group_by("split").agg(
        first=pl.col("timestamp").min(), last=pl.col("timestamp").max()
    )
    times = {split: (first, last) for split, first, last in ends.iter_rows()}
    assert times["train"][1] < times["valid"][0] < times["valid"][1] < times["test"][0]
    # Untimed training events stand first in the history.
    before = corpus_1m.events.with_columns(
        previous=pl.col("timestamp").shift(1).over("user_id"),
    ).filter((pl.col("position") > 0) & pl.col("timestamp").is_null())
    assert before["previous"].null_count() == before.height


def test_movielens_1m_leaves_one_out(movielens_1m):
    """Of a user whose last items are not in the corpus, the last are untimed, which is said."""
    rules = replace(movielens_1m.rules, split="leave_one_out")
    corpus = build_corpus(replace(movielens_1m, rules=rules))
    held_out = {part: corpus.report[f"events_{part}"] for part in ("valid", "test")}
    assert held_out == {"valid": 5_588, "test": 5_588}
    assert corpus.report["users_left_out_untimed"] == 1_091
    assert leak_check(corpus.events, "leave_one_out") == []


def test_movielens_1m_is_fit_for_every_arm(movielens_1m, corpus_1m):
    check = check_catalog(movielens_1m, corpus_1m)
    assert check.arms["usable"].to_list() == [True, True, True]
    assert check.overlap.row(-1)[1:3] == (1_382, 1_420)
    assert check.warnings == (
        "81% of events carry no time: they come first in their user's history, in a fixed "
        "pseudo-random order.",
        "36% of test events share their time with the event before them: which comes first is "
        "drawn, so models of the order (Markov, SASRec) show less than they could.",
    )


def test_latest_small_is_read_whole(latest_small, shared_data):
    with open(shared_data / "ml-latest-small/ratings.csv", newline="") as file:
        counts = Counter(row["movieId"] for row in csv.DictReader(file))
    with open(shared_data / "ml-latest-small/tags.csv", newline="") as file:
        tags = Counter((row["movieId"], row["tag"].strip().lower()) for row in csv.DictReader(file))
    assert latest_small.interactions.height == sum(counts.values()) == 100_836
    assert latest_small.tags.height == len(tags)
    assert latest_small.tags["relevance"].sum() == sum(tags.values()) == 3_683
    corpus = build_corpus(latest_small)
    assert corpus.report["items"] == sum(n > 10 for n in counts.values()) == 2_121
    assert corpus.report["items_without_interactions"] == 9_742 - len(counts)
    assert corpus.report["unordered_share"] == 0
    assert leak_check(corpus.events) == []
    heat = latest_small.items.row(by_predicate=pl.col("title") == "Heat (1995)", named=True)
    assert heat == {
        "item_id": 6,
        "title": "Heat (1995)",
        "year": 1995,
        "genres": ["Action", "Crime", "Thriller"],
        "imdb_id": "tt0113277",
        "tmdb_id": 949,
    }
    assert latest_small.items["imdb_id"].str.contains(r"^tt\d{7,8}$").all()


def test_frequent_user_tags(shared_data):
    with open(shared_data / "ml-latest-small/tags.csv", newline="") as file:
        counts = Counter(row["tag"].strip().lower() for row in csv.DictReader(file))
    expected = sorted((tag, n) for tag, n in counts.items() if n > 20)
    found = frequent_tags(read_user_tags(shared_data / "ml-latest-small"), more_than=20)
    assert sorted(found.rows()) == expected
    assert expected
