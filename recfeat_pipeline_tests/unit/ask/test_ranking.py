"""Which items answer a taste, and why; the shelf is of six items (conftest)."""

import numpy as np

from recfeat_pipeline.ask.ranking import Channels, answer, reasons
from recfeat_pipeline.ask.reading import read_words
from recfeat_pipeline.ask.taste import Taste


def titles(shelf, taste, **options):
    return [shelf.items["title"][line.row] for line in answer(shelf, taste, **options)]


def test_a_heist_without_violence(shelf):
    found = titles(shelf, read_words(shelf, "a heist without violence"))
    assert found[0] == "Sting, The (1973)"
    assert found.index("Heat (1995)") > found.index("Usual Suspects, The (1995)")


def test_like_alien_but_funny_leaves_alien_out(shelf):
    found = titles(shelf, read_words(shelf, "like Alien but funny"), n=6)
    assert found[0] == "Galaxy Quest (1999)"
    assert "Alien (1979)" not in found


def test_years_come_first(shelf):
    taste = read_words(shelf, "a heist from the seventies")
    assert set(titles(shelf, taste, n=2)) == {"Sting, The (1973)", "Alien (1979)"}


def test_the_text_is_a_channel_of_its_own(shelf):
    taste = Taste(words=("detective",))
    assert titles(shelf, taste, channels=Channels(dimensions=0))[0] == "Heat (1995)"


def test_vectors_are_compared_where_they_are_given(shelf):
    vectors = np.eye(6, 4, dtype=np.float32)
    with_vectors = type(shelf)(shelf.items, shelf.texts, shelf.dimensions, shelf.scores, vectors)
    taste = Taste(words=("anything",))
    embed = lambda texts: np.array([[0, 0, 1, 0]], np.float32)  # noqa: E731
    assert titles(with_vectors, taste, embed=embed)[0] == "Galaxy Quest (1999)"


def test_reasons_cite_what_is_stored(shelf):
    taste = read_words(shelf, "a heist in Chicago")
    assert reasons(shelf, taste, 3) == ("heist 0.9", "“heist” in its text", "“chicago” in its text")
    assert reasons(shelf, taste, 5) == ()


def test_reasons_say_what_an_item_has_in_common_with_one_that_was_named(shelf):
    taste = read_words(shelf, "like Alien but funny")
    assert reasons(shelf, taste, 2)[:2] == ("comedic 0.9", "aliens 0.7, as in Alien")
    assert not any("Alien" in reason for reason in reasons(shelf, taste, 5)), "it has no scores"


def test_a_taste_that_says_nothing_has_no_answer(shelf):
    assert answer(shelf, Taste()) == []
