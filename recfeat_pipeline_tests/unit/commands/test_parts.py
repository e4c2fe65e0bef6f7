"""Small parts of commands."""

import pytest

from recfeat_pipeline.commands.backfill import parse_shards
from recfeat_pipeline.commands.estimate import per_thousand
from recfeat_pipeline.commands.new_items import labelled
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.settings import without_password


@pytest.mark.parametrize(
    ("text", "shards"),
    [
        (None, ["00", "01", "02", "03"]),
        ("2", ["02"]),
        ("3,0", ["00", "03"]),
        ("0-1,3", ["00", "01", "03"]),
        ("1-1", ["01"]),
    ],
)
def test_shards_are_named(text, shards):
    assert parse_shards(text, 4) == shards


@pytest.mark.parametrize("text", ["4", "-1", "a", "", "0-", "2-9", "3-2"])
def test_shards_that_are_not_there_are_refused(text):
    with pytest.raises(RecfeatError, match="--shards"):
        parse_shards(text, 4)


def test_a_text_in_labelled_lines_becomes_fields():
    assert labelled("Plot: A: b\n\nGenres: Drama\n") == [("Plot", "A: b"), ("Genres", "Drama")]


@pytest.mark.parametrize("text", ["One line.\nPlot: x", "Just prose, at length: and a colon."])
def test_any_other_text_is_a_plot(text):
    assert labelled(text) == [("Plot", text)]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:secret@host:8000/v1?key=x", "https://host:8000/v1"),
        ("http://localhost:8000/v1", "http://localhost:8000/v1"),
        ("data_lake/demo", "data_lake/demo"),
        ("s3://bucket/lake", "s3://bucket/lake"),
    ],
)
def test_a_shown_url_holds_no_secret(url, shown):
    assert without_password(url) == shown


def test_dollars_per_thousand_items_are_of_items_still_to_be_asked():
    assert per_thousand(2.0, calls=600, calls_per_item=6) == 20.0
    assert per_thousand(0.0, calls=0, calls_per_item=6) is None
    assert per_thousand(None, calls=600, calls_per_item=6) is None
