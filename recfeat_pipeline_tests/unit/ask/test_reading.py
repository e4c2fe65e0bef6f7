"""What is named and negated is read; the shelf is of six items (conftest)."""

import pytest

from recfeat_pipeline.ask.reading import read_words
from recfeat_pipeline.ask.taste import Taste


def signs(taste: Taste) -> dict[str, int]:
    return {name: 1 if weight > 0 else -1 for name, weight in taste.dimensions.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a heist film without much violence", {"heist": 1, "violent": -1}),
        ("scary, but not violent", {"scary": 1, "violent": -1}),
        ("something funny with extraterrestrials", {"comedic": 1, "aliens": 1}),
        ("I don't want violence", {"violent": -1}),
        ("non-violent capers", {"violent": 1, "heist": 1}),  # a word with a hyphen is one word
        ("a planned theft", {"heist": 1}),  # by the gloss
    ],
)
def test_dimensions_by_name_tag_or_gloss(shelf, text, expected):
    assert signs(read_words(shelf, text)) == expected


def test_a_negation_ends_with_its_clause(shelf):
    taste = read_words(shelf, "no violence, just a heist")
    assert signs(taste) == {"violent": -1, "heist": 1}
    assert taste.unwanted_words == ("violence",)
    assert taste.words == ("heist",)


@pytest.mark.parametrize(
    ("text", "liked", "avoided"),
    [
        ("something like Alien but funny", (0,), ()),
        ("like The Usual Suspects", (1,), ()),
        ("like Usual Suspects", (1,), ()),
        ("Galaxy Quest", (2,), ()),
        ("like the usual suspects", (1,), ()),
        ("similar to galaxy quest, but not like usual suspects", (2,), (1,)),
        ("i like a galaxy quest", (), ()),  # not right after "like": it means itself
        ("crime, but not Galaxy Quest", (), (2,)),
        ("an alien in the heat", (), ()),  # one word, no capital: it means itself
        ("Heat", (), ()),  # nothing says that a film is meant
    ],
)
def test_items_that_are_named(shelf, text, liked, avoided):
    taste = read_words(shelf, text)
    assert (taste.liked, taste.avoided) == (liked, avoided)


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("sixties or seventies", (1960, 1979)),
        ("from the 1990s", (1990, 1999)),
        ("80s please", (1980, 1989)),
        ("before 1980", (None, 1979)),
        ("since 1995", (1995, None)),
        ("from 1995", (1995, 1995)),
        ("a heist", (None, None)),
    ],
)
def test_years(shelf, text, years):
    taste = read_words(shelf, text)
    assert (taste.first_year, taste.last_year) == years


def test_newer_is_newer_than_what_was_said_before(shelf):
    before = read_words(shelf, "from the seventies")
    assert read_words(shelf, "newer ones", before).first_year == 1980
    assert read_words(shelf, "older ones", before).last_year == 1969


def test_genres_in_any_number(shelf):
    assert read_words(shelf, "comedies, no horror").genres == {"Comedy": 1.0, "Horror": -1.0}


def test_the_later_word_holds(shelf):
    first = read_words(shelf, "funny heist from the seventies, no violence")
    second = first.then(read_words(shelf, "violence is fine", first))
    assert signs(second) == {"heist": 1, "comedic": 1, "violent": 1}
    assert second.unwanted_words == ()
    assert second.first_year == 1970
    third = second.then(read_words(shelf, "from the nineties", second))
    assert (third.first_year, third.last_year) == (1990, 1999)


def test_words_that_say_nothing(shelf):
    assert read_words(shelf, "what should I watch?").says_nothing
    assert not read_words(shelf, "what should I watch? space").says_nothing
