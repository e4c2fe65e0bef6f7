"""Guesses of ``recfeat init``: which file and column is what."""

import polars as pl
import pytest

from recfeat_pipeline.catalog.files import read_files
from recfeat_pipeline.catalog.guess import draft_catalog, find_tables
from recfeat_pipeline.commands.init import as_toml
from recfeat_pipeline.errors import RecfeatError

PRODUCTS = pl.DataFrame(
    {
        "productId": [f"B{i:03d}" for i in range(40)],
        "Product Name": [f"Thing {i}" for i in range(40)],
        "description": [f"A thing of kind {i}, much liked." for i in range(40)],
        "categories": ["Tools|Garden"] * 40,
        "image_url": ["https://x/y.png"] * 40,
        "price": [1.0] * 40,
        "vote_summary": ["many"] * 40,
        "empty": pl.Series([None] * 40, dtype=pl.String),
    }
)
EVENTS = pl.DataFrame(
    {
        "reviewerID": [f"u{i % 50}" for i in range(1000)],
        "asin": [f"B{(7 * i) % 40:03d}" for i in range(1000)],
        "overall": [5.0] * 1000,
        "unixReviewTime": list(range(1_000_000, 1_001_000)),
    }
)
TAGS = pl.DataFrame({"item": ["B001", "B002"], "tag": ["red", "red"], "weight": [1.0, 2.0]})


@pytest.fixture
def shop(tmp_path):
    PRODUCTS.write_parquet(tmp_path / "products.parquet")
    EVENTS.write_csv(tmp_path / "events.csv")
    (tmp_path / "sub").mkdir()
    TAGS.write_csv(tmp_path / "sub" / "tags.tsv", separator="\t")
    (tmp_path / "notes.txt").write_text("not a table")
    return tmp_path


def test_files_and_columns_are_told_by_name_and_content(shop):
    draft = draft_catalog(find_tables([shop]))
    assert draft.columns == {
        "items": {"id": "productId", "title": "Product Name", "genres": "categories"},
        "interactions": {
            "user": "reviewerID",
            "item": "asin",
            "rating": "overall",
            "timestamp": "unixReviewTime",
        },
        "tags": {"item": "item", "tag": "tag", "relevance": "weight"},
    }
    assert draft.document == {"Categories": "categories", "Description": "description"}
    assert draft.left_out.keys() == {"image_url", "vote_summary", "empty"}
    assert "100% of the items looked at are in [items]" in draft.remarks[1]


def test_the_draft_reads_as_a_catalogue(shop):
    draft = draft_catalog(find_tables([shop]))
    (shop / "shop.toml").write_text(as_toml(draft, 'the "best" shop', shop))
    catalog = read_files(shop / "shop.toml")
    assert catalog.name == 'the "best" shop'
    assert (catalog.items.height, catalog.interactions.height) == (40, 200)  # 800 are repeats
    assert catalog.tags is not None
    assert catalog.items["genres"][0].to_list() == ["Tools", "Garden"]
    assert catalog.rules.more_than_item_interactions == 20  # each of 40 items has 25


def test_the_id_is_the_column_that_the_interactions_meet(tmp_path):
    pl.DataFrame(
        {"item_id": [1, 2, 3], "movie_id": [101, 102, 103], "title": ["a", "b", "c"]}
    ).write_parquet(tmp_path / "films.parquet")
    pl.DataFrame({"user": [1, 1, 2], "movie": [101, 103, 103]}).write_csv(tmp_path / "seen.csv")
    draft = draft_catalog(find_tables([tmp_path]))
    assert draft.columns["items"]["id"] == "movie_id"
    assert draft.columns["interactions"] == {"user": "user", "item": "movie"}


def test_of_two_tag_tables_the_one_with_more_items_is_taken(tmp_path, shop):
    many = pl.DataFrame({"item": [f"B{i:03d}" for i in range(40)], "tag": ["x"] * 40})
    many.write_parquet(shop / "crowd.parquet")
    one = pl.DataFrame({"item": ["B001"] * 500, "tag": [f"t{i}" for i in range(500)]})
    one.write_parquet(shop / "genome.parquet")
    draft = draft_catalog(find_tables([shop]))
    assert draft.tags is not None
    assert draft.tags.path.name == "crowd.parquet"


def test_a_file_that_is_named_is_taken(shop):
    EVENTS.head(10).write_csv(shop / "few.csv")
    draft = draft_catalog(find_tables([shop]), interactions=shop / "few.csv")
    assert draft.interactions.path.name == "few.csv"


def test_a_file_that_is_named_and_lies_in_the_folder_is_one_file(shop):
    tables = find_tables([shop, shop / "events.csv"])
    assert len(tables) == 3
    assert draft_catalog(tables, interactions=shop / "events.csv").interactions.n_rows == 1000


def test_a_named_table_without_users_is_refused(tmp_path, shop):
    EVENTS.rename({"reviewerID": "human"}).write_csv(tmp_path / "plays.csv")
    with pytest.raises(RecfeatError, match=r"plays\.csv has no column that looks like a user"):
        draft_catalog(find_tables([shop]), interactions=tmp_path / "plays.csv")


def test_one_table_may_be_both(tmp_path):
    frame = EVENTS.with_columns(title="asin")
    frame.write_parquet(tmp_path / "all.parquet")
    draft = draft_catalog(find_tables([tmp_path]))
    assert draft.items.path == draft.interactions.path
    assert draft.columns["items"] == {"id": "asin", "title": "title"}


def test_nothing_that_looks_like_interactions_is_said_with_what_there_is(tmp_path):
    PRODUCTS.write_parquet(tmp_path / "products.parquet")
    with pytest.raises(RecfeatError, match=r"\[interactions\].*user and item.*productId"):
        draft_catalog(find_tables([tmp_path]))


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("broken.parquet", b"PAR1 not really", "not a readable Parquet file"),
        ("table.docx", b"PK", "of no kind that is read"),
        ("missing.csv", None, "There is no file or folder"),
    ],
)
def test_files_that_are_no_tables_are_named(tmp_path, name, content, problem):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(RecfeatError, match=problem):
        find_tables([tmp_path / name])


def test_an_empty_folder_says_what_is_looked_for(tmp_path):
    with pytest.raises(RecfeatError, match=r"no table \(.*\.parquet.*\.xlsx.*\) in"):
        find_tables([tmp_path])
