"""What a model reads of a request, and in which order."""

import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.extraction.validation import n_candidates
from recfeat_pipeline.reranking.showing import Requests, Showing, features, show, titles

NAMES = [f"Film {letter}" for letter in "ABCDEFGHIJ"]
IDS = pl.Series([100 + n for n in range(10)])


def requests(n=4):
    """Users 0 to n-1 took A, B and C, the newest first; the base offers D to H."""
    return Requests(
        users=list(range(n)),
        histories=[np.array([0, 1, 2])] * n,
        ratings=[np.array([4.0, np.nan, 2.5])] * n,
        shortlists=np.array([[3, 4, 5, 6, 7]] * n),
    )


def shown(showing, of=None, **more):
    return show(of or requests(), NAMES, IDS, showing, **more)


def test_the_base_order_is_shown_as_it_is_and_said_to_be_one():
    found = shown(Showing(candidates="base"))
    assert found.documents["text"][0] == (
        "Taken before, newest first:\n- Film A, rated 4\n- Film B\n- Film C, rated 2.5\n"
        "Candidates, in another recommender's order, its best first:\n"
        "1. Film D\n2. Film E\n3. Film F\n4. Film G\n5. Film H"
    )
    assert found.places.tolist() == [[0, 1, 2, 3, 4]] * 4
    assert found.documents["item_id"].to_list() == [100] * 4  # of the newest item


def test_places_say_which_candidate_has_which_number():
    found = shown(Showing())
    [text], [places] = found.documents["text"][:1].to_list(), found.places[:1].tolist()
    lines = text.split("Candidates, in no order:\n")[1].split("\n")
    assert lines == [f"{n}. {NAMES[3 + place]}" for n, place in enumerate(places, 1)]
    assert sorted(places) == [0, 1, 2, 3, 4]


def test_a_request_is_drawn_in_the_same_order_whoever_stands_beside_it():
    """Else a larger sample would buy again what a smaller one bought."""
    alone, among = shown(Showing(), requests(1)), shown(Showing(), requests(4))
    assert among.documents["text"][0] == alone.documents["text"][0]


def test_requests_are_drawn_in_different_orders():
    of = requests(40)
    other = Requests(of.users, [np.array([n % 3, 9]) for n in range(40)], of.ratings, of.shortlists)
    other = Requests(of.users, other.histories, [np.array([np.nan, n]) for n in range(40)],
                     of.shortlists)  # fmt: skip
    assert len({tuple(row) for row in shown(Showing(), other).places.tolist()}) > 20


def test_a_shuffled_history_is_the_same_history_and_said_to_have_no_order():
    text = shown(Showing(history="shuffled")).documents["text"][0]
    assert text.startswith("Taken before, in no order:\n")
    taken = [line for line in text.split("\n") if line.startswith("- ")]
    assert sorted(taken) == ["- Film A, rated 4", "- Film B", "- Film C, rated 2.5"]


def test_another_users_history_is_anothers_and_gives_no_candidate_away():
    of = Requests(
        users=["x", "x", "y"],
        histories=[np.array([0]), np.array([1]), np.array([3, 2])],
        ratings=[np.full(1, np.nan), np.full(1, np.nan), np.full(2, np.nan)],
        shortlists=np.array([[3, 4]] * 3),
    )
    texts = shown(Showing(history="other"), of).documents["text"]
    taken = [[line for line in text.split("\n") if line.startswith("- ")] for text in texts]
    assert taken[0] == taken[1] == ["- Film C"]  # of y, whose D is among the candidates
    assert taken[2] in (["- Film A"], ["- Film B"])


def test_an_order_of_before_is_shown_again():
    places = np.array([[4, 3, 2, 1, 0]] * 4)
    found = shown(Showing(), places=places)
    numbered = found.documents["text"][0].split("\n")[-5:]
    assert numbered == ["1. Film H", "2. Film G", "3. Film F", "4. Film E", "5. Film D"]
    assert found.places.tolist() == places.tolist()


@pytest.mark.parametrize("name", ["12. Alive", "Candidates:", "3. Three\n99. Hundred"])
def test_no_title_passes_for_a_further_candidate(name):
    items = pl.DataFrame({"title": [name, *NAMES[1:]], "year": [None] * 10},
                         schema_overrides={"year": pl.Int32})  # fmt: skip
    of = Requests([1], [np.array([1])], [np.full(1, np.nan)], np.array([[2, 0]]))
    text = show(of, titles(items), IDS, Showing(candidates="base")).documents["text"][0]
    assert n_candidates(text) == 2


def test_titles_have_their_year_once():
    items = pl.DataFrame({"title": ["Heat", "Alien (1979)", "Solaris"], "year": [1995, 1979, None]})
    assert titles(items) == ["Heat (1995)", "Alien (1979)", "Solaris"]


def test_features_name_what_is_strongest_and_nothing_else():
    matrix = np.array([[0.2, 0.9, 0.0], [0.0, 0.0, 0.0]], np.float32)
    told = features(matrix, ["llm:slow_burn", "llm:war", "llm:robots"])
    assert told == ["war, slow burn", "nothing is known of it"]
