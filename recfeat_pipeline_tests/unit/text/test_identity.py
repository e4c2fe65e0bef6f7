"""Who an item is: names and titles however written, and the vote."""

import polars as pl
import pytest

from recfeat_pipeline.schemas import FIELDS
from recfeat_pipeline.text.identity import people, titles
from recfeat_pipeline.text.identity.twins import duplicate_texts
from recfeat_pipeline.text.identity.vote import Page, identify, vote
from recfeat_pipeline.text.identity.witness import Claims, weigh
from recfeat_pipeline.text.source import EVIDENCE


@pytest.mark.parametrize(
    ("ours", "theirs", "level"),
    [
        (["John Lasseter"], ["John Lasseter"], "same"),
        (["The Wachowskis"], ["Lana Wachowski", "Lilly Wachowski"], "same"),
        (["Dardenne brothers"], ["Jean-Pierre Dardenne", "Luc Dardenne"], "same"),
        (["Jean-Pierre and Luc Dardenne"], ["Luc Dardenne"], "same"),
        (["Daniels"], ["Daniel Kwan", "Daniel Scheinert"], "same"),
        (["Daniels"], ["Daniel Kwan", "Jane Roe"], "differ"),
        (["Tarsem Singh"], ["Tarsem"], "same"),
        (["Guillermo del Toro"], ["Guillermo del Toro Gómez"], "same"),
        (["Wong Kar-wai"], ["Kar-Wai Wong"], "same"),
        (["J. Lee Thompson"], ["John Lee Thompson"], "same"),
        (["Robert Downey Jr."], ["Robert Downey"], "same"),
        (["Андрей Тарковский"], ["Andrei Tarkovsky"], "same"),
        (["Σωκράτης Καψάσκης"], ["Sokratis Kapsaskis"], "same"),
        (["봉준호"], ["Bong Joon-ho"], "same"),
        (["Sergei Eisenstein"], ["Sergej Ejzenštejn"], "same"),
        (["宮崎駿"], ["Hayao Miyazaki"], None),  # not known to be another
        (["宮崎駿"], ["Hayao Miyazaki", "宮崎駿"], "same"),
        (["Larry Wachowski"], ["Lana Wachowski"], "family"),
        (["Ridley Scott"], ["Tony Scott"], "family"),
        (["John Ford"], ["John Huston"], "differ"),
        (["David Lean"], ["David Leland"], "differ"),
        ([], ["John Huston"], None),
        (["…"], ["John Huston"], None),
        (["Various"], ["John Huston"], None),
    ],
)
def test_people(ours, theirs, level):
    assert people.compare(ours, theirs) == level
    assert people.compare(theirs, ours) == level


@pytest.mark.parametrize(
    ("ours", "theirs", "level"),
    [
        ("Big Sleep, The (1946)", "The Big Sleep", "same"),
        ("Illusionist, The (L'illusionniste) (2010)", "L'Illusionniste", "same"),
        ("Twelve Monkeys (a.k.a. 12 Monkeys) (1995)", "12 Monkeys (film)", "same"),
        ("Rocky II (1979)", "Rocky 2", "same"),
        ("Fast & Furious", "Fast and Furious", "same"),
        ("Солярис", "Solyaris", "same"),
        ("Amelie", "Amélie", "same"),
        ("Salo, or 120 Days of Sodom", "Salò, or the 120 Days of Sodom", "near"),
        ("Dr. Strangelove", "Dr. Strangelove or: How I Learned", "part"),
        ("Alien", "Aliens", "part"),
        ("Rocky", "Rocky II", "sequel"),
        ("Kill Bill: Vol. 1", "Kill Bill: Volume 2", "differ"),
        ("The Two Towers", "The Fellowship of the Ring", "differ"),
        ("千と千尋の神隠し", "Spirited Away", None),
        ("", "Spirited Away", None),
    ],
)
def test_titles(ours, theirs, level):
    assert titles.compare([ours], [theirs]) == level
    assert titles.compare([theirs], [ours]) == level


SABRINA = Claims(["Sabrina (1995)"], [1995], [], "tt0114319")


@pytest.mark.parametrize(
    ("page", "found_by", "kept"),
    [
        (Claims(["Sabrina"], [1995]), "imdb_id", True),
        (Claims(["Sabrina"], [1996]), "id", True),  # festival and cinema
        (Claims(["Sabrina"], [1998]), "id", False),
        (Claims(["Sabrina"], [1998]), "imdb_id", True),  # the IMDb id has the last word
        (Claims(["Sabrina"], [1954]), "imdb_id", False),  # but a remake is not the film
        (Claims(["Sabrina"], [1995], imdb_id="tt0047437"), "id", False),
        (Claims(["Heat"], [1995]), "imdb_id", False),  # ids shifted by a row
        (Claims(["Heat"], [1995], imdb_id="tt0114319"), "id", False),
        (Claims(["Sabrina"], []), "search", False),  # nothing confirms it
        (Claims(["Sabrina"], [1995]), "search", True),
        (Claims(["Sabrina film series"], [1995], kind="franchise"), "imdb_id", False),
        (Claims([], []), "imdb_id", True),
        (Claims(["Heat"], [1995]), "pinned", True),  # the user says so
    ],
)
def test_a_page_is_weighed(page, found_by, kept):
    assert weigh(SABRINA, page, found_by).is_for is kept


def test_a_title_in_another_language_is_believed_with_its_director():
    item = Claims(["The Night (1960)"], [1960], ["Ann One"], "tt0000001")
    page = Claims(["La Nuit"], [1960])
    assert not weigh(item, page, "imdb_id").is_for
    assert weigh(item, Claims(["La Nuit"], [1960], ["Ann One"]), "imdb_id").is_for


def test_one_wrong_film_does_not_displace_the_right_pages():
    """A stale TMDB id leads to another film of the year, which its own IMDb id contradicts."""
    item = Claims(["Heat (1995)"], [1995], [], "tt0113277")
    wrong = Page("tmdb", Claims(["Heatwave"], [1995], ["C D"], "tt0999999"), "id")
    right = [
        Page("wikipedia", Claims(["Heat"], [1995], ["Michael Mann"]), "imdb_id"),
        Page("wikidata", Claims(["Heat"], [1995], ["Michael Mann"], "tt0113277"), "imdb_id"),
    ]
    assert [ballot.used for ballot in vote(item, [wrong, *right])] == [False, True, True]


def test_the_camp_with_the_imdb_id_wins_over_a_namesake_of_the_year():
    item = Claims(["Heat (1995)"], [1995], [], "tt0113277")
    namesake = Page("tmdb", Claims(["Heat"], [1995], ["C D"]), "id")
    right = Page("wikipedia", Claims(["Heat"], [1995], ["Michael Mann"]), "imdb_id")
    for pages in ([namesake, right], [right, namesake]):  # whoever comes first
        used = {ballot.page.source: ballot for ballot in vote(item, pages)}
        assert used["wikipedia"].used
        assert not used["tmdb"].used
        assert "contradicts wikipedia (creator: " in used["tmdb"].reason


def test_a_page_may_lend_another_its_title():
    item = Claims(["The Night (1960)"], [1960], [], "tt0000001")
    tmdb = Page("tmdb", Claims(["La Nuit", "The Night"], [1960], ["A B"], "tt0000001"), "id")
    wikipedia = Page("wikipedia", Claims(["La Nuit"], [1960], ["A B"]), "imdb_id")
    assert [ballot.used for ballot in vote(item, [wikipedia])] == [False]
    assert [ballot.used for ballot in vote(item, [wikipedia, tmdb])] == [True, True]


def test_pinned_pages_are_believed_though_they_contradict_one_another_and_win_over_others():
    item = Claims(["Heat (1995)"], [1995], [], "tt0113277")
    pages = [
        Page("tmdb", Claims(["X"], [1950], ["A B"], "tt0000001"), "pinned"),
        Page("wikipedia", Claims(["Y"], [1980], ["C D"]), "pinned"),
        Page("wikidata", Claims(["Heat"], [1995], ["E F"], "tt0113277"), "imdb_id"),
    ]
    assert [ballot.used for ballot in vote(item, pages)] == [True, True, False]


def test_the_user_may_say_that_a_page_is_not_it():
    item = Claims(["Heat (1995)"], [1995])
    page = Page("wikipedia", Claims(["Heat"], [1995]), "imdb_id", url="u")
    (ballot,) = vote(item, [page], {"u": "you said so"})
    assert (ballot.used, ballot.reason) == (False, "you said so")


def test_a_page_that_nothing_confirms_says_so():
    [ballot] = vote(Claims(["Heat"]), [Page("wikipedia", Claims(["Heat"]), "search")])
    assert (ballot.used, ballot.reason) == (False, "the catalogue says too little to confirm it")


def test_the_vote_on_frames():
    items = pl.DataFrame(
        {"item_id": [1, 2, 3], "title": ["A", "B", None], "year": [1995, 1999, None]}
    )
    rows = [
        {"item_id": 1, "source": "tmdb", "title": "A", "years": [1995], "url": "u1"},
        {"item_id": 2, "source": "tmdb", "title": "Other", "years": [1950], "url": "u2"},
        {"item_id": 9, "source": "tmdb", "title": "Nobody's", "years": [1950], "url": "u9"},
    ]
    frame = pl.DataFrame(rows, schema=EVIDENCE).with_columns(found_by=pl.lit("id"))
    found = identify(items, [frame])
    assert found.select("item_id", "used", "reason").rows() == [
        (1, True, None),
        (2, False, 'title: "B" here, "Other" there; year: 1999 here, 1950 there'),
    ]
    assert found["doubt"][0] < 0.1  # its weights add up to 9: far from a toss-up


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
