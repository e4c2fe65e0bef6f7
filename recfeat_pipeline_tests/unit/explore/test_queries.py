import numpy as np
import pytest

from recfeat_pipeline.explore.queries import (
    content_neighbours,
    doubtful_pages,
    fingerprint,
    nearest,
    pages_of,
    search_items,
    shared_dimensions,
    trained_neighbours,
    why_bare,
)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("alien", [0, 1, 3]),  # beginnings first, then by popularity
        ("ALIENS 1986", [1]),
        ("amelie", [2]),
        ("Amélie", [2]),
        ("1979 alien", [0]),  # any order
        ("the alien", [3]),
        ("(", [0, 1, 2, 3, 4]),  # a letter, not a pattern
        ("no such film", []),
        ("", [0, 1, 2, 3, 4]),
    ],
)
def test_search(library, text, rows):
    assert search_items(library, text) == rows


def test_search_stops_at_n(library):
    assert search_items(library, "", n=2) == [0, 1]


def test_a_fingerprint_has_groups_in_order_and_scores_from_the_strongest(library):
    assert fingerprint(library, "v1", 0) == [
        ("themes", [("survival", 1.0, "staying alive")]),
        ("tone", [("tense", pytest.approx(0.9), "nerves")]),
    ]


def test_an_item_that_was_not_scored_has_no_fingerprint_and_no_neighbours(library):
    assert fingerprint(library, "v1", 4) == []
    assert why_bare(library, "v1", 4) == "Not scored in v1."
    assert content_neighbours(library, "v1", 4) == []


def test_an_item_that_scores_zero_everywhere_is_near_nothing(library):
    assert fingerprint(library, "v1", 3) == []
    assert why_bare(library, "v1", 3).startswith("Scored in v1: none of its dimensions")
    assert content_neighbours(library, "v1", 3) == []


def test_content_neighbours_say_what_is_shared(library):
    near = content_neighbours(library, "v1", 0)
    assert [n.row for n in near] == [1, 2]  # neither the zero row nor the unscored one
    # cos = (1 x .8 + .9 x .9) / (|1, 0, .9| |.8, .05, .9|)
    assert near[0].similarity == pytest.approx(1.61 / (1.81**0.5 * 1.4525**0.5), abs=1e-6)
    assert near[0].shared == ("tense", "survival")


def test_trained_neighbours_translate_indices_to_rows(library):
    vectors = np.array([[1, 0], [0, 1], [0.9, 0.1], [-1, 0]], np.float32)  # by item_index
    near = trained_neighbours(library, vectors, 0, n=2)
    assert [n.row for n in near] == [1, 2]  # indices 2 and 1
    assert trained_neighbours(library, vectors, 4) == [], "outside the corpus"


def test_nearest_never_returns_the_row_itself_nor_more_than_there_are():
    matrix = np.eye(3, dtype=np.float32)
    assert [row for row, _ in nearest(matrix, 1, 10)] == [0, 2]


def test_shared_dimensions_need_both_to_score():
    names = ["a", "b", "c"]
    assert shared_dimensions(names, np.array([1, 0.4, 0]), np.array([0.2, 0.9, 1])) == ("b", "a")


def test_pages_are_listed_by_doubt_with_their_verdict(library):
    listed = doubtful_pages(library)
    assert [(page.row, page.source) for page in listed] == [
        (2, "tmdb"),
        (0, "wikipedia"),
        (0, "tmdb"),
    ]
    assert listed[0].verdict == (
        "tmdb: Amelie · left out, doubt 0.90 · year: 2001 here, 1999 there"
    )
    own = pages_of(library, 0)
    assert [page.title for page in own] == ["Alien (film)", "https://tmdb/2"]
    assert own[0].verdict == "wikipedia: Alien (film) · used, doubt 0.10"
