import json
from datetime import date

import polars as pl
import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text.http import Pace, Verdict
from recfeat_pipeline.text.source import TEXTS
from recfeat_pipeline.text.sources import sources
from recfeat_pipeline.text.sources.tmdb import Tmdb, _judge, _windows
from recfeat_pipeline.text.tmdb_record import texts_of

FILM = {
    "id": 862,
    "imdb_id": "tt0114709",
    "title": "Toy Story",
    "overview": "Toys &amp; a <b>boy</b>.\u0007",
    "tagline": "",
    "budget": 30000000,
    "revenue": 394436586,
    "vote_count": 19000,
    "popularity": 99.9,
    "release_date": "1995-11-22",
    "genres": [{"id": 16, "name": "Animation"}, {"id": 35, "name": "Comedy"}],
    "production_companies": [{"name": "Pixar"}],
    "credits": {
        "cast": [
            {"name": "Tim Allen", "order": 1},
            {"name": "Tom Hanks", "order": 0},
            {"order": 2},
        ],
        "crew": [
            {"name": "John Lasseter", "job": "Director"},
            {"name": "Joss Whedon", "job": "Screenplay"},
            {"name": "John Lasseter", "job": "Story"},
            {"name": "Someone", "job": "Grip"},
        ],
    },
    "keywords": {"keywords": [{"id": 1, "name": "jealousy"}]},
    "external_ids": {"imdb_id": "tt0114709"},
    "release_dates": {
        "results": [
            {"iso_3166_1": "GB", "release_dates": [{"certification": "PG", "type": 3}]},
            {
                "iso_3166_1": "US",
                "release_dates": [
                    {"certification": "NR", "type": 1, "release_date": "1995-11-19T00:00:00.000Z"},
                    {"certification": "G", "type": 3, "release_date": "2009-10-02T00:00:00.000Z"},
                ],
            },
        ]
    },
}


def raw(body: object) -> pl.DataFrame:
    return pl.DataFrame({"item_id": [1], "url": ["u"], "body": [json.dumps(body)]})


@pytest.fixture
def tmdb():
    return Tmdb("http://127.0.0.1:1", "key", Pace(rate=25))


def test_fields_in_document_order_and_no_revenue(tmdb):
    fields = tmdb.fields(raw(FILM))
    assert fields.schema == pl.Schema(TEXTS)
    assert fields.select("label", "text").rows() == [
        ("Genres", "Animation, Comedy"),
        ("Director", "John Lasseter"),
        ("Writers", "Joss Whedon, John Lasseter"),
        ("Cast", "Tom Hanks, Tim Allen"),
        ("Keywords", "jealousy"),
        ("Certification", "G"),
        ("Companies", "Pixar"),
        ("Budget", "$30,000,000"),
        ("Overview", "Toys & a boy."),
    ]
    assert not fields["text"].str.contains("394|19000|99.9").any()


def test_evidence_takes_first_release_not_later_ones(tmdb):
    assert tmdb.evidence(raw(FILM)).row(0, named=True) == {
        "item_id": 1,
        "source": "tmdb",
        "title": "Toy Story",
        "other_titles": [],
        "years": [1995],
        "creators": ["John Lasseter"],
        "imdb_id": "tt0114709",
        "kind": "film",
        "url": "u",
    }


def test_texts_are_in_the_language_that_is_wanted_where_it_has_them():
    german = {"iso_639_1": "de", "data": {"overview": "Spielzeug.", "tagline": "", "title": "TS"}}
    record = {**FILM, "tagline": "Hang on.", "translations": {"translations": [german]}}
    for language, overview in (("de", "Spielzeug."), ("fr", "Toys & a boy.")):
        texts = dict(texts_of(record, language))
        assert (texts["Overview"], texts["Tagline"]) == (overview, "Hang on.")


def test_names_and_titles_are_known_as_they_are_written_at_home(tmdb):
    crew = [{"name": "Hayao Miyazaki", "original_name": "宮崎駿", "job": "Director"}]
    other = {"alternative_titles": {"titles": [{"title": "Sen to Chihiro"}]}}
    record = {**FILM, **other, "original_title": "千と千尋", "credits": {"crew": crew}}
    row = tmdb.evidence(raw(record)).row(0, named=True)
    assert row["creators"] == ["Hayao Miyazaki", "宮崎駿"]
    assert row["other_titles"] == ["千と千尋", "Sen to Chihiro"]


@pytest.mark.parametrize(
    "value", [None, [], "text", 7, {"results": None}, {"cast": [None, 3]}, {"success": False}]
)
@pytest.mark.parametrize("part", [*FILM])
def test_any_shape_of_any_part_is_read(tmdb, part, value):
    body = raw({**FILM, part: value})
    assert tmdb.fields(body)["text"].str.len_chars().min() > 0
    assert tmdb.evidence(body).height == 1


@pytest.mark.parametrize("code", [9, 11, 24, 43, 46])
def test_codes_that_pass_are_asked_again(code):
    assert _judge(500, {"status_code": code}) is Verdict.RETRY


def test_other_codes():
    assert _judge(429, {"status_code": 25}) is Verdict.THROTTLED
    assert _judge(404, {"status_code": 34}) is _judge(404, {"status_code": 6}) is Verdict.OK
    assert _judge(422, {"status_code": 5}) is Verdict.FAILED
    assert _judge(404, None) is _judge(200, None) is _judge(200, [{}]) is Verdict.RETRY
    assert _judge(200, {"id": 862}) is Verdict.OK


@pytest.mark.parametrize("code", [3, 7, 10])
def test_a_refused_key_ends_the_run_with_a_sentence(code):
    with pytest.raises(RecfeatError, match="TMDB_API_KEY"):
        _judge(401, {"status_code": code})


def test_change_windows_hold_14_days_and_leave_no_day_out():
    windows = list(_windows(date(2026, 1, 1), date(2026, 2, 1)))
    assert windows == [
        (date(2026, 1, 1), date(2026, 1, 14)),
        (date(2026, 1, 15), date(2026, 1, 28)),
        (date(2026, 1, 29), date(2026, 2, 1)),
    ]
    assert list(_windows(date(2026, 1, 1), date(2026, 1, 1))) == [
        (date(2026, 1, 1), date(2026, 1, 1))
    ]


def test_sources_are_those_the_settings_enable():
    def names(**settings):
        return [source.name for source in sources(Settings(**settings))]

    assert names() == []
    assert names(TMDB_API_KEY="k") == ["tmdb"]
    others = ["openlibrary", "musicbrainz", "page"]  # of items that say where they are
    assert names(contact="me@example.org") == ["wikipedia", "wikidata", *others]
    assert names(contact="me@example.org", text_language="DE ") == [
        "wikipedia",
        "wikidata",
        "english_wikipedia",
        *others,
    ]
    assert names(wikipedia_base_url="http://127.0.0.1:1") == []  # SPARQL is still the public one
    assert names(wikipedia_base_url="http://127.0.0.1:1", sparql_url="http://127.0.0.1:2") == [
        "wikipedia"
    ]


def test_a_language_is_a_code():
    with pytest.raises(RecfeatError, match="RECFEAT_TEXT_LANGUAGE cannot be used: it is no lang"):
        Settings(text_language="german")
