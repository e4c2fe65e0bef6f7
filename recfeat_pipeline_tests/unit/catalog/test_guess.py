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


PUBLIC = {  # four public sets, by the names of their columns: items, events, what they are
    "Last.fm": (
        {"artistID": 1, "name": "Björk", "url": "http://x/y", "pictureURL": "http://x/z"},
        {"userID": 1, "artistID": 1, "weight": 13_883},
        {"id": "artistID", "title": "name"},
        {"user": "userID", "item": "artistID", "count": "weight"},
        {},
    ),
    "Amazon gift cards": (
        {"parent_asin": "B00X", "title": "Petco Gift Card", "description": "A card of $25.",
         "main_category": "Gift Cards", "image_url": "http://x/y.png", "rating_number": 7},
        {"user_id": "A1", "asin": "B00X", "parent_asin": "B00X", "rating": 5.0, "title": "Good",
         "timestamp": 1_600_000_000},
        {"id": "parent_asin", "title": "title"},
        {"user": "user_id", "item": "parent_asin", "rating": "rating", "timestamp": "timestamp"},
        {"Description": "description", "Main category": "main_category"},
    ),
    "Steam": (
        {"id": 10, "app_name": "Counter-Strike", "genres": "Action", "release_date": "2000-11-01",
         "url": "http://x/10", "reviews_url": "http://x/r", "developer": "Valve House"},
        {"user_id": "u1", "app_id": 10, "hours_played": 2.5},
        {"id": "id", "title": "app_name", "year": "release_date", "genres": "genres"},
        {"user": "user_id", "item": "app_id", "count": "hours_played"},
        {"Genres": "genres", "Developer": "developer"},
    ),
    "Goodreads": (
        {"book_id": 1, "isbn": "0439023483", "isbn13": "9780439023480", "authors": "S. Collins",
         "original_publication_year": 2008.0, "original_title": "The Hunger Games",
         "title": "The Hunger Games (#1)", "language_code": "en-US", "small_image_url": "http://x"},
        {"user_id": 7, "book_id": 1, "rating": 5},
        {"id": "book_id", "title": "title", "year": "original_publication_year"},
        {"user": "user_id", "item": "book_id", "rating": "rating"},
        {"Authors": "authors"},
    ),
    "Goodreads, with original titles alone": (
        {"book_id": 1, "original_title": "The Hunger Games", "original_publication_year": 2008.0},
        {"user_id": 7, "book_id": 1, "rating": 5},
        {"id": "book_id", "title": "original_title", "year": "original_publication_year"},
        {"user": "user_id", "item": "book_id", "rating": "rating"},
        {},
    ),
    "Amazon, the older layout": (
        {"asin": "B00X", "title": "Petco Gift Card", "price": 25.0, "imUrl": "http://x/y.png"},
        {"reviewerID": "A1", "asin": "B00X", "overall": 5.0, "unixReviewTime": 1_400_000_000},
        {"id": "asin", "title": "title"},
        {"user": "reviewerID", "item": "asin", "rating": "overall", "timestamp": "unixReviewTime"},
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLIC)
def test_the_columns_of_public_sets_are_known(name, tmp_path):
    item, event, items, interactions, document = PUBLIC[name]
    pl.DataFrame([item]).write_parquet(tmp_path / "things.parquet")
    pl.DataFrame([event] * 3).write_csv(tmp_path / "log.csv")
    draft = draft_catalog(find_tables([tmp_path]))
    assert draft.columns["items"] == items
    assert draft.columns["interactions"] == interactions
    assert draft.document == document
    (tmp_path / "drafted.toml").write_text(as_toml(draft, draft.name, tmp_path))
    assert read_files(tmp_path / "drafted.toml").interactions.height == 1


@pytest.mark.parametrize(
    ("columns", "lacks"), [(("user_id", "stars"), "item"), (("book_id", "stars"), "user")]
)
def test_which_of_user_and_item_is_missing_is_said(columns, lacks, tmp_path):
    pl.DataFrame([dict.fromkeys(columns, 1)]).write_csv(tmp_path / "log.csv")
    with pytest.raises(RecfeatError, match=rf"log\.csv lacks a column for {lacks} \("):
        draft_catalog(find_tables([tmp_path]))


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


@pytest.mark.parametrize("named", [False, True])
def test_items_without_a_title_are_told_by_the_ids_that_events_meet(shop, named):
    (shop / "products.parquet").unlink()
    bare = PRODUCTS.select("productId", "description")
    bare.write_parquet(shop / "bare.parquet")
    PRODUCTS.select(id=pl.col("productId").str.reverse()).write_csv(shop / "other.csv")
    draft = draft_catalog(find_tables([shop]), items=shop / "bare.parquet" if named else None)
    assert draft.items.path.name == "bare.parquet"
    assert draft.columns["items"] == {"id": "productId", "title": "productId"}
    assert draft.document == {"Description": "description"}
    assert "bare.parquet has no column for a title: 'productId' stands in" in draft.remarks
    (shop / "shop.toml").write_text(as_toml(draft, draft.name, shop))
    assert read_files(shop / "shop.toml").items["title"][0] == "B000"


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
