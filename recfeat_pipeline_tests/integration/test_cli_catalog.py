"""From one's own files to a priced estimate: init, check, estimate, download."""

import hashlib
import io
import zipfile
from functools import partial

import polars as pl
import pytest

from recfeat_pipeline.catalog import download as downloads
from recfeat_pipeline_tests.integration.cli_world import (
    N_ITEMS,
    N_USERS,
    PER_USER,
    items,
    run,
    write_catalog,
)
from recfeat_pipeline_tests.servers.downloads import Downloads, serve


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path / "lake"))
    write_catalog(tmp_path)
    return tmp_path


@pytest.fixture
def recfeat(capsys):
    return lambda *arguments: run(capsys, *arguments)


def test_a_draft_is_written_said_and_checks_out(folder, recfeat):
    drafted = recfeat("init", "--name", "mine")
    assert drafted.code == 0
    assert "[items] items.csv: 16 rows, id 'id'" in drafted.out
    assert "[interactions] events.csv: 600 rows, item 'item'; 100% of the items" in drafted.out
    assert "recfeat check catalogue.toml" in drafted.err
    checked = recfeat("check", "catalogue.toml", "--json")
    assert checked.json["catalogue"] == "mine"
    assert checked.json["counts"]["items"] == N_ITEMS
    assert not (folder / "lake").exists(), "init and check write no lake"


def test_a_release_needs_no_draft(folder, recfeat):
    for name in ("ratings", "movies", "links"):
        (folder / "ml").mkdir(exist_ok=True)
        (folder / "ml" / f"{name}.csv").write_text("x\n")
    ran = recfeat("init", "ml")
    assert ran.code == 0
    assert "recfeat check ml" in ran.out
    assert not (folder / "catalogue.toml").exists()


def test_check_tells_what_is_there_dropped_and_measurable(folder, recfeat):
    extra = "u0,999,5,1\nu0,3,good,1\n"
    (folder / "events.csv").write_text((folder / "events.csv").read_text() + extra)
    found = recfeat("check", "little.toml", "--json").json
    assert found["counts"]["users"] == N_USERS
    assert found["counts"]["events"] == N_USERS * PER_USER
    notes = {note["kind"]: note for note in found["notes"]}
    assert notes["unknown_items"]["examples"] == [f"line {N_USERS * PER_USER + 2}"]
    assert notes["unparsable_rating"]["examples"] == [f"line {N_USERS * PER_USER + 3}"]
    assert {arm["arms"]: arm["usable"] for arm in found["arms"]} == {
        "floor": True, "curated tags": True, "LLM scores": True
    }  # fmt: skip
    assert "curated tags cover 50% of corpus items" in found["arms"][1]["reason"]


def test_check_exits_with_3_when_something_should_be_looked_at(folder, recfeat):
    thin = recfeat("check", "little.toml")
    assert thin.code == 3
    assert "! 100% of corpus items have fewer than 200 characters" in thin.out
    long = "Much is told of how the story goes on, who meets whom, and what it all means. " * 5
    told = items().with_columns(plot=items()["plot"] + " " + long)
    told.write_csv(folder / "items.csv")
    good = recfeat("check", "--catalog", "little.toml")
    assert good.code == 0, good.out
    assert "No problem found. Next: recfeat estimate" in good.out


def test_the_embedded_catalogue_is_checked_when_there_is_no_other(folder, recfeat):
    assert recfeat("check", "--json").json["catalogue"] == "embedded"


def test_an_estimate_names_its_prices_date_and_tokenizer(folder, recfeat):
    ran = recfeat("estimate", "--catalog", "little.toml", "--models", "gpt-4.1-mini,unheard-of")
    assert ran.code == 0
    assert "Prices as of 20" in ran.out
    assert "tokens counted by" in ran.out
    assert "No price is known for unheard-of: add it to prices.toml" in ran.out
    assert "the embedded lexical extractor" in ran.err


def test_an_estimate_prices_what_is_scored_and_what_is_evaluated(folder, recfeat):
    """A new item that nobody has met is scored by default; an old rare one only if asked."""
    rows = (folder / "items.csv").read_text()
    new = '17,The New One (1999),Drama,"A dark love, told anew."\n18,The Old One (1950),Drama,War\n'
    (folder / "items.csv").write_text(rows + new)

    def calls():
        found = recfeat("estimate", "--catalog", "little.toml", "--json").json
        return found["estimates"][0]["documents"], found["corpus"][0]["documents"]

    assert calls() == (N_ITEMS + 1, N_ITEMS)
    said = recfeat("estimate", "--catalog", "little.toml")
    assert "16 of them are evaluated, 1 are scored beside them" in said.out
    toml = (folder / "little.toml").read_text()
    for asked, n in (("all", 2), ("corpus", 0)):
        (folder / "little.toml").write_text(f'{toml}[scoring]\nitems = "{asked}"\n')
        assert calls() == (N_ITEMS + n, N_ITEMS)


def test_films_dimensions_for_gift_cards_are_said_before_they_are_bought(folder, recfeat):
    gifts = items().with_columns(
        title=pl.format("Gift Card {}", "id"), plot=pl.lit("A gift card for a brand, 25 USD")
    )
    gifts.write_csv(folder / "items.csv")
    said = "genome132-v1 scores films, and the catalogue holds products"
    assert said in recfeat("check", "little.toml").out
    assert said in recfeat("estimate", "--catalog", "little.toml").err
    assert "products-starter" in recfeat("init", "-o", "gifts.toml").err


def test_a_release_is_downloaded_checked_and_ready(folder, recfeat, monkeypatch):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as bundle:
        for name in ("ratings", "movies", "links", "tags"):
            bundle.writestr(f"ml-latest-small/{name}.csv", "x\n")
    body = packed.getvalue()
    files = {
        "/ml-latest-small.zip": body,
        "/ml-latest-small.zip.md5": hashlib.md5(body).hexdigest().encode(),
    }
    with serve(Downloads(files)) as server:
        from_here = partial(downloads.download, base_url=server.url)
        monkeypatch.setattr(downloads, "download", from_here)
        ran = recfeat("download", "ml-latest-small", "--folder", "data")
    assert ran.code == 0
    assert "recfeat run --catalog data/ml-latest-small" in ran.out
    assert (folder / "data" / "ml-latest-small" / "ratings.csv").exists()
