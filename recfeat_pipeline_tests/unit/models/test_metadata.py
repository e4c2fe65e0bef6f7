import polars as pl
import pytest

from recfeat_pipeline.models import metadata
from recfeat_pipeline_tests.unit.models.worlds import make_items


def test_genres_years_and_shares_of_frequent_tags(monkeypatch):
    monkeypatch.setattr(metadata, "FREQUENT", 5)
    items = make_items(3).with_columns(
        genres=pl.Series([["War"], None, ["Comedy", "War"]]),
        year=pl.Series([1990, None, 1995], dtype=pl.Int32),
    )
    user_tags = pl.DataFrame(
        {
            "item_id": [100, 100, 101, 102],
            "tag": ["slow", "rare", "slow", "slow"],
            "n_applications": [3, 1, 2, 1],
        }
    )
    got = metadata.build_metadata(items, user_tags)
    assert got.genres.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 1]], "(no genres listed) is first"
    assert got.years.tolist() == [1, 0, 6]
    assert got.n_years == 7
    assert got.tags.tolist() == [[pytest.approx(3 / 4)], [1], [1]], "rare tags count in the total"


def test_without_user_tags_that_slot_is_empty():
    assert metadata.build_metadata(make_items(2)).tags.shape == (2, 0)
