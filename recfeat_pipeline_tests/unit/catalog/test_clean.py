from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import polars as pl
import pytest

from recfeat_pipeline.catalog import clean


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", " 2 ", "", None], [1, 2, None, None]),
        (
            ["1.0", "2.00"],
            [1, 2],
        ),  # a column of integers that once held a null, as pandas writes it
        (["007", "7"], ["007", "7"]),  # not one id
        (["1", "b"], ["1", "b"]),
        (["99999999999999999999", "1"], ["99999999999999999999", "1"]),  # beyond 64 bits
        ([1.0, 2.0, None], [1, 2, None]),
        ([1.0, float("nan")], [1, None]),
        ([1.5, 2.0], ["1.5", "2.0"]),
        (pl.Series([2**64 - 1, 5], dtype=pl.UInt64), [str(2**64 - 1), "5"]),
        (pl.Series(["a", "b"], dtype=pl.Categorical), ["a", "b"]),
    ],
)
def test_ids_are_integers_when_all_of_them_are(values, expected):
    assert clean.ids(pl.Series(values)).to_list() == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pl.Series(["a", None], dtype=pl.Categorical), ["a", None]),
        (pl.Series(["train"], dtype=pl.Enum(["train"])), ["train"]),
        (pl.Series([Decimal("1.50"), None]), [1.5, None]),
        (pl.Series([True, None]), ["true", None]),
        (pl.Series([None, None]), [None, None]),
        (pl.Series([time(1, 30)]), ["01:30:00"]),
        (pl.Series([timedelta(hours=2)]), ["PT2H"]),
        (pl.Series([date(2000, 1, 1)]), [date(2000, 1, 1)]),
        (pl.Series([["a"]]), [["a"]]),
    ],
)
def test_plain_leaves_text_numbers_and_dates(values, expected):
    plain = clean.plain(values)
    assert plain.to_list() == expected
    assert plain.dtype.is_numeric() or plain.dtype in (pl.String, pl.Date, pl.List)


def test_ids_like_follow_the_other_table():
    assert clean.ids_like(pl.Series(["1", "x", None]), pl.Int64()).to_list() == [1, None, None]
    assert clean.ids_like(pl.Series([1, 2]), pl.String()).to_list() == ["1", "2"]
    assert clean.ids_like(pl.Series([1.0, 2.0]), pl.String()).to_list() == ["1", "2"]


@pytest.mark.parametrize(
    ("values", "expected", "units"),
    [
        (["978300760", "1.5", "x", "NA"], [978300760, 1, None, None], {}),
        (["2000-12-31T22:12:40Z"], [978300760], {}),
        (["2000-12-31 22:12:40"], [978300760], {}),
        (["2000-12-31T22:12:40.750"], [978300760], {}),
        (["2001-01-01T00:12:40+02:00"], [978300760], {}),
        (["2000-12-31"], [978220800], {}),
        ([978300760000, 978300761000], [978300760, 978300761], {"milliseconds": 2}),
        ([978300760000000], [978300760], {"microseconds": 1}),
        ([978300760000000000], [978300760], {"nanoseconds": 1}),
        ([978300760, 978300760000], [978300760] * 2, {"milliseconds": 1}),
        (["2000-12-31 22:12"], [978300720], {}),
        ([datetime(2000, 12, 31, 22, 12, 40)], [978300760], {}),
        ([datetime(2000, 12, 31, 22, 12, 40, tzinfo=UTC)], [978300760], {}),
        ([date(2000, 12, 31), None], [978220800, None], {}),
        ([], [], {}),
    ],
)
def test_seconds_from_any_spelling_of_time(values, expected, units):
    seconds, found = clean.seconds(pl.Series(values, dtype=pl.String if not values else None))
    assert (seconds.to_list(), found) == (expected, units)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["Action|Drama", "Action, Drama", "(no genres listed)", None, " "],
         [["Action", "Drama"], ["Action", "Drama"], [], [], []]),
        ([["Action", None, ""], None], [["Action"], []]),
    ],
)  # fmt: skip
def test_genres(values, expected):
    assert clean.genres(pl.Series(values)).to_list() == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["Tom Hanks | Tim Allen", "(no genres listed)", " plain ", ""],
         ["Tom Hanks, Tim Allen", None, "plain", None]),
        (["He said: 'x' | " + "a long paragraph that has a bar in it " * 3], None),
        ([["a", None, "b"], [], None], ["a, b", None, None]),
        ([[1, 2]], ["1, 2"]),
        ([1995.0, None], ["1995", None]),
        ([1.5], ["1.5"]),
        ([date(1995, 11, 22)], ["1995-11-22"]),
    ],
)  # fmt: skip
def test_document_text(values, expected):
    expected = [v.strip() for v in values] if expected is None else expected
    assert clean.document_text(pl.Series(values)).to_list() == expected


def test_years():
    titles = pl.Series(["A (1995)", "B (2006–2007) ", "C (1995) D", "E", "F (19956)", None])
    assert clean.year_in_title(titles).to_list() == [1995, 2006, None, None, None, None]
    years = pl.Series(["1995", "1995.0", "1995-11-22", "95", "199x", None])
    assert clean.year(years).to_list() == [1995, 1995, 1995, None, None, None]
    assert clean.year(pl.Series([date(1995, 11, 22)])).to_list() == [1995]


def test_imdb_ids():
    given = pl.Series(["114709", "tt0114709", "10872600", "114709.0", "nm0000158", "", None])
    expected = ["tt0114709", "tt0114709", "tt10872600", "tt0114709", None, None, None]
    assert clean.imdb_id(given).to_list() == expected
    assert clean.imdb_id(pl.Series([114709])).to_list() == ["tt0114709"]


def test_numbers_and_what_counts_as_given():
    values = pl.Series(["1.5", "NA", "x", "inf", "", None])
    assert clean.number(values).to_list() == [1.5, None, None, None, None, None]
    assert clean.given(values).to_list() == [True, False, True, True, False, False]
    assert clean.given(pl.Series([1.0, float("nan"), None])).to_list() == [True, False, False]
    assert clean.integer(pl.Series(["8", "8.5", "8.0"])).to_list() == [8, None, 8]
