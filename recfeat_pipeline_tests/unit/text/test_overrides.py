"""What the user says about pages: the file, and the commands that write and show it."""

import polars as pl
import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.guard import suspicious
from recfeat_pipeline.lake import Lake, shard_of
from recfeat_pipeline.schemas import DOCUMENTS, ITEMS
from recfeat_pipeline.text.overrides import (
    Override,
    excluded_pages,
    offered_page,
    overrides_path,
    read_overrides,
    strangers,
    with_pins,
    write_override,
)
from recfeat_pipeline.text.raw import RawStore
from recfeat_pipeline.text_schemas import IDENTITY
from recfeat_pipeline_tests.integration.cli_world import run

SOURCES = ("tmdb", "wikipedia")
WRONG, ARTICLE = (
    "https://www.themoviedb.org/movie/9",
    "https://en.wikipedia.org/wiki/Heat_(1995_film)",
)
HEAT = 'Heat "1995" \\ [x]'


def test_what_is_written_is_read_and_added_to(tmp_path):
    path = tmp_path / "films.text.toml"
    write_override(path, {}, Override("1", HEAT, {"wikipedia": HEAT}))
    write_override(path, read_overrides(path, SOURCES), Override("2", "B", {}, ("u",)))
    write_override(path, read_overrides(path, SOURCES), Override("1", HEAT, {"tmdb": "8"}, ("v",)))
    found = read_overrides(path, SOURCES)
    assert found["1"] == Override("1", HEAT, {"tmdb": "8", "wikipedia": HEAT}, ("v",))
    items = pl.DataFrame({"item_id": [1, 2, 3]})
    assert with_pins(items, found)["pinned_tmdb"].to_list() == ["8", None, None]
    assert excluded_pages(items, found).keys() == {(1, "v"), (2, "u")}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[item]", "not valid TOML"),
        ('[[item]]\nwikipedia = "A"', "which item"),
        ('[[item]]\nid = 1\nwikpedia = "A"', "'wikpedia' is no text source"),
        ("[[item]]\nid = 1\nwikipedia = 7", "quotation marks"),
        ('[[item]]\nid = 1\nnot = "u"', "quotation marks"),
        ('[[items]]\nid = 1\nwikipedia = "A"', r"nothing reads 'items'"),
        ('[[item]]\nid = 1\ntmdb = "1"\n[[item]]\nid = "1"\nwikipedia = "A"', "stands above"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path, text, says):
    path = tmp_path / "x.text.toml"
    path.write_text(text)
    with pytest.raises(RecfeatError, match=says):
        read_overrides(path, SOURCES)


@pytest.fixture
def lake(tmp_path, monkeypatch):
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path))
    lake = Lake(tmp_path)
    lake.open(name="tiny")
    lake.write(
        "items",
        pl.DataFrame(
            [{"item_id": 1, "title": "Heat (1995)", "year": 1995, "tmdb_id": 8, "in_corpus": True}],
            schema=ITEMS,
        ),
    )
    rows = [
        {
            "item_id": 1,
            "source": "tmdb",
            "used": False,
            "score": -4.0,
            "doubt": 0.1,
            "reason": "IMDb id: tt1 here, tt2 there",
            "found_by": "id",
            "title": "Heatwave",
            "years": [1995],
            "creators": ["C D"],
            "url": "https://www.themoviedb.org/movie/9",
        },
        {
            "item_id": 1,
            "source": "wikipedia",
            "used": True,
            "score": 3.0,
            "doubt": 0.75,
            "found_by": "imdb_id",
            "title": "Heat",
            "years": [1995],
            "creators": [],
            "url": "w",
        },
    ]
    fields = [{"label": "Plot", "source": "wikipedia", "text": "A chase."}]
    for shard in shard_of([1], lake.n_shards):
        lake.write("identity", pl.DataFrame(rows, schema=IDENTITY), shard=shard)
        lake.write(
            "documents",
            pl.DataFrame(
                [
                    {
                        "item_id": 1,
                        "title": "Heat (1995)",
                        "text": "t",
                        "content_hash": "h",
                        "n_chars": 1,
                        "fields": fields,
                    }
                ],
                schema=DOCUMENTS,
            ),
            shard=shard,
        )
    return lake  # fmt: skip


@pytest.fixture
def recfeat(lake, capsys):
    return lambda *arguments: run(capsys, *arguments)


def test_why_shows_offers_vote_and_what_is_fed(lake, recfeat):
    shown = recfeat("text", "why", "Heat (1995)").out
    for part in ("Heatwave", "IMDb id: tt1 here, tt2 there", "imdb_id", "2 pages offered, 1 used",
                 "Plot", "A chase."):  # fmt: skip
        assert part in shown
    assert recfeat("text", "why", "1", "--json").json["fed"][0]["text"] == "A chase."


def test_why_says_which_source_has_no_page_and_why(lake, recfeat, monkeypatch):
    monkeypatch.setenv("TMDB_API_KEY", "k")
    with RawStore(lake, "tmdb").writer(pl.Int64()) as writer:
        writer.add(item_id=1, key="tmdb:8", status="missing", reason="TMDB has no such page")
    assert "tmdb: no page, TMDB has no such page." in recfeat("text", "why", "1").out


def test_the_most_doubtful_page_is_reviewed_first(recfeat):
    rows = recfeat("text", "review", "--json").json
    assert [row["source"] for row in rows] == ["wikipedia", "tmdb"]


def test_a_pin_is_kept_beside_the_catalogue(lake, recfeat):
    pin = ("text", "pin", "1", "--wikipedia", "Heat (1995 film)", "--not", WRONG)
    assert recfeat(*pin).code == 0
    assert read_overrides(overrides_path(lake), SOURCES)["1"] == Override(
        "1", "Heat (1995)", {"wikipedia": "Heat (1995 film)"}, (WRONG,)
    )
    assert "SOURCE=PAGE" in recfeat("text", "pin", "1", "--page", "imdb=tt1").error
    assert "--not" in recfeat("text", "pin", "1").error


def test_a_page_that_is_not_is_an_address_that_was_offered(lake, recfeat):
    error = recfeat("text", "pin", "1", "--not", "Heatwave").error
    assert "no source offers this address" in error
    assert WRONG in error
    assert not overrides_path(lake).exists()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (f"{WRONG}-heatwave", WRONG),
        ("http://themoviedb.org/movie/9/", WRONG),
        ("en.m.wikipedia.org/wiki/Heat_%281995_film%29#Plot", ARTICLE),
        ("https://en.wikipedia.org/wiki/Heat (1995 film)", ARTICLE),
        ("https://www.themoviedb.org/movie/90", None),
        ("https://en.wikipedia.org/wiki/Heat_(1995_film)-2", None),
    ],
)
def test_an_address_may_be_written_in_many_ways(typed, offered):
    assert offered_page(typed, [WRONG, ARTICLE]) == offered


def test_who_changes_his_mind_takes_back_what_he_said(tmp_path):
    path = tmp_path / "films.text.toml"
    write_override(path, {}, Override("1", "Heat", {"tmdb": "9"}, (ARTICLE,)))
    right = Override("1", "Heat", {"wikipedia": "Heat (1995 film)"}, (WRONG,))
    write_override(path, read_overrides(path, SOURCES), right)
    assert read_overrides(path, SOURCES)["1"] == right


def test_ids_that_no_item_has_are_told():
    said = {name: Override(name) for name in ("1", "01", "x")}
    assert strangers(pl.DataFrame({"item_id": [1, 2]}), said) == ["01", "x"]


def test_a_day_is_decided_on_the_command_line(lake, recfeat):
    assert "nothing to decide" in recfeat("text", "accept").error
    for decision in ("accept", "reject"):
        day = {"at": "2026-01-01T04:00:00+00:00", "decision": None, "found": ["items fell"],
               "examples": [], "measures": {}, "fingerprint": decision}  # fmt: skip
        lake.write_note("suspicious", day, stage="documents")
        assert "items fell" in recfeat("text", "days").out
        assert "suspicious day of the documents is set aside" in recfeat("status").out
        assert "suspicious" in recfeat("status", "--json").json["problems"]
        assert f"is {decision}ed" in recfeat("text", decision).out
        assert suspicious(lake) == {}
        assert "suspicious" not in recfeat("status", "--json").json["problems"]
