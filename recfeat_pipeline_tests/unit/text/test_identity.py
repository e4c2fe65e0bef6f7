import polars as pl
import pytest

from recfeat_pipeline.schemas import FIELDS
from recfeat_pipeline.text.identity import (
    contradiction,
    directors_agree,
    duplicate_texts,
    is_the_film,
    quarantine,
    without_quarantined,
)
from recfeat_pipeline.text.source import EVIDENCE


@pytest.mark.parametrize(
    ("ours", "theirs", "agree"),
    [
        (["John Lasseter"], ["John Lasseter"], True),
        (["Larry Wachowski"], ["Lana Wachowski", "Lilly Wachowski"], True),
        (["Wong Kar-wai"], ["Kar-Wai Wong"], True),
        (["Robert Downey Jr."], ["Robert Downey"], True),
        (["John Ford"], ["John Huston"], False),
        ([], ["John Huston"], None),
        (["…"], ["John Huston"], None),
    ],
)
def test_directors_agree(ours, theirs, agree):
    assert directors_agree(ours, theirs) is agree


@pytest.mark.parametrize(
    ("year", "directors", "years", "theirs", "contradicts"),
    [
        (1995, ["A B"], [1995], ["A B"], False),
        (1995, [], [1996], [], False),  # festival and cinema
        (1995, [], [1997], [], True),
        (1995, ["A B"], [1998], ["A B"], False),  # the same director confirms it
        (1934, ["Alfred Hitchcock"], [1956], ["Alfred Hitchcock"], True),  # remade his own film
        (1995, ["A B"], [1995], ["C D"], True),
        (None, [], [1995], ["C D"], False),
        (1995, ["A B"], [], [], False),
    ],
)
def test_contradictions(year, directors, years, theirs, contradicts):
    assert bool(contradiction(year, directors, years, theirs)) is contradicts


def test_a_search_result_needs_its_title_and_a_confirmation():
    heat = ("Heat (1995)", 1995, ["Michael Mann"])
    assert is_the_film(*heat, "Heat (1995 film)", [1995], ["Michael Mann"])
    assert is_the_film("Heat (1995)", 1995, [], "Heat (1995 film)", [1995], ["Michael Mann"])
    assert not is_the_film(*heat, "Heat (1986 film)", [1986], ["Dick Richards"])
    assert not is_the_film(*heat, "White Heat", [1995], ["Michael Mann"])
    assert not is_the_film(*heat, "Heat (1995 film)", [], [])  # nothing confirms it


def evidence(source: str, *rows: tuple[int, list[int], list[str]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"item_id": i, "source": source, "years": years, "directors": directors, "url": f"u{i}"}
            for i, years, directors in rows
        ],
        schema=EVIDENCE,
    )


ITEMS = pl.DataFrame({"item_id": [1, 2, 3], "year": [1995, 1999, None]})


def test_a_source_that_contradicts_the_catalogue_or_a_better_source_is_quarantined():
    tmdb = evidence("tmdb", (1, [1995], ["A B"]), (2, [1950], ["C D"]), (3, [1980], ["E F"]))
    wiki = evidence("wikipedia", (1, [1995], ["X Y"]), (2, [1999], ["Z W"]), (3, [1980], ["E F"]))
    found = quarantine(ITEMS, [tmdb, wiki])
    assert found.select("item_id", "source", "reason").rows() == [
        (2, "tmdb", "year: 1999 here, 1950 there"),
        (1, "wikipedia", "director: A B here, X Y there"),  # TMDB lent item 1 its director
    ]


def test_the_catalogues_own_directors_decide_first():
    items = ITEMS.with_columns(directors=pl.Series([["X Y"], None, None]))
    found = quarantine(items, [evidence("tmdb", (1, [1995], ["A B"]), (2, [1999], []))])
    assert found["item_id"].to_list() == [1]


def test_quarantined_fields_are_left_out():
    fields = pl.DataFrame(
        [
            (1, "tmdb", "Plot", 0, "t"),
            (1, "wikipedia", "Plot", 0, "w"),
            (2, "tmdb", "Plot", 0, "u"),
        ],
        schema=FIELDS,
        orient="row",
    )
    bad = pl.DataFrame({"item_id": [1], "source": ["tmdb"]})
    assert without_quarantined(fields, bad)["text"].to_list() == ["w", "u"]


def test_duplicate_texts_are_reported_once_per_text():
    long = "The same overview stands under two films, " * 3
    fields = pl.DataFrame(
        [
            (2025, "tmdb", "Overview", 0, long),
            (2729, "tmdb", "Overview", 0, long),
            (1, "tmdb", "Overview", 0, long + "!"),
            (1, "tmdb", "Genres", 0, "Drama"),
            (2, "tmdb", "Genres", 0, "Drama"),
        ],
        schema=FIELDS,
        orient="row",
    )
    assert duplicate_texts(fields).select("label", "item_ids", "n_items").rows() == [
        ("Overview", [2025, 2729], 2)
    ]
