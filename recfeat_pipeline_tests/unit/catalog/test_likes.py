"""What a like is: thresholds, counts, booleans, kinds of event, repeats, ratings that are none."""

import polars as pl
import pytest

from recfeat_pipeline.catalog.check import check_catalog
from recfeat_pipeline.catalog.corpus import build_corpus
from recfeat_pipeline.catalog.events_check import histogram
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline_tests.unit.catalog.conftest import FILES

LOG = "who,what,stars,at\n7,1,4,1000\n7,2,3,2000\n8,1,0,1500\n8,3,5,2500\n9,1,,9000\n"


@pytest.fixture
def liked(read):
    """Read the log with further keys of [interactions]."""

    def _liked(keys: str, log: str = LOG, column: str = "rating"):
        toml = FILES["catalog.toml"].replace('rating = "stars"', f'{column} = "stars"\n{keys}')
        return read(**{"catalog.toml": toml, "log.csv": log})

    return _liked


def pairs(catalog):
    return catalog.interactions.select("user_id", "item_id", "rating").rows()


def kinds(catalog):
    return {note.kind: note.count for note in catalog.notes}


def test_a_threshold_leaves_likes_that_are_all_alike(liked):
    catalog = liked("positive_from = 4")
    assert pairs(catalog) == [(7, 1, None), (8, 3, None), (9, 1, None)]
    assert kinds(catalog) == {"no_likes": 2}
    assert "stars is below 4" in catalog.notes[0].message


def test_ratings_that_mean_none_are_none(liked):
    catalog = liked("not_rated = [0, -1]")
    assert [rating for *_, rating in pairs(catalog)] == [4, 3, None, 5, None]
    assert kinds(catalog) == {"not_rated": 1}


def test_a_no_is_no_event(liked):
    log = "who,what,stars,at\n7,1,true,1000\n7,2,False,2000\n8,1,yes,1500\n9,1,,900\n"
    catalog = liked("", log)
    assert pairs(catalog) == [(7, 1, None), (8, 1, None), (9, 1, None)]
    assert kinds(catalog) == {"no_likes": 1}
    assert [rating for *_, rating in pairs(liked("positive_from = 0", log))] == [None] * 4


def test_counts_say_that_something_happened_and_do_not_weigh(liked):
    log = LOG.replace("7,1,4,", "7,1,35000,")
    catalog = liked("", log, "count")
    assert pairs(catalog) == [(7, 1, None), (7, 2, None), (8, 3, None), (9, 1, None)]
    assert liked("positive_from = 10", log, "count").interactions.height == 2


def test_only_the_kinds_that_are_named_are_events(liked):
    log = "who,what,stars,at,kind\n7,1,4,1000,view\n7,2,4,2000,buy\n8,1,4,1500,view\n"
    every = liked('kind = "kind"', log)
    assert every.interactions.height == 3
    assert "kinds of event: view 2, buy 1" in every.notes[0].message
    bought = liked('kind = "kind"\nkinds = ["buy"]', log)
    assert pairs(bought) == [(7, 2, 4.0)]
    assert kinds(bought)["other_kinds"] == 2
    with pytest.raises(RecfeatError, match="rows of other kinds than sell"):
        liked('kind = "kind"\nkinds = ["sell"]', log)


def test_which_repeat_is_kept_can_be_said(liked):
    log = "who,what,stars,at\n7,1,1,1000\n7,1,5,3000\n8,1,4,1500\n"
    assert liked("", log).interactions["timestamp"].to_list() == [1000, 1500]
    assert liked('repeats = "last"', log).interactions["timestamp"].to_list() == [3000, 1500]


@pytest.mark.parametrize(
    ("keys", "fragments"),
    [
        ('positive_from = "4"', ["'positive_from'", "must be a number, not '4'"]),
        ("not_rated = 0", ["'not_rated'", "list of numbers"]),
        ('kinds = ["buy"]', ["'kinds'", "needs the key kind"]),
        ('repeats = "all"', ["'repeats'", "one of first, last"]),
        ('count = "at"', ["'count'", "a rating or a count, not both"]),
    ],
)
def test_keys_that_make_no_sense_are_refused(liked, keys, fragments):
    with pytest.raises(RecfeatError) as error:
        liked(keys)
    for fragment in fragments:
        assert fragment in str(error.value)


def test_a_histogram_shows_values_or_ranges(liked):
    ratings = liked("").interactions["rating"]
    assert histogram(ratings).rows() == [
        ("0", 1, 0.25), ("3", 1, 0.25), ("4", 1, 0.25), ("5", 1, 0.25),
    ]  # fmt: skip
    many = pl.Series(range(15), dtype=pl.Float32)
    assert histogram(many)["count"].to_list() == [2, 1, 2, 1, 1, 2, 1, 2, 1, 2]
    assert histogram(ratings.clear()).is_empty()


def test_suspicious_ratings_are_said(liked):
    rows = [(u, 1 + u % 3, u % 2 * 4) for u in range(20)]

    def warnings(of):
        log = "who,what,stars,at\n" + "".join(f"{u},{i},{of(r)},{u}000\n" for u, i, r in rows)
        catalog = liked("", log)
        return " ".join(check_catalog(catalog, build_corpus(catalog)).warnings)

    assert "50% of ratings are 0" in warnings(lambda r: r)
    assert "say not_rated = [-1]" in warnings(lambda r: r or -1)
    assert "Ratings reach 4,000" in warnings(lambda r: r * 1000)
    assert "ratings are" not in warnings(lambda r: r + 1)
