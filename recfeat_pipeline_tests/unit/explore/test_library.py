import duckdb
import numpy as np
import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.explore.library import read_library
from recfeat_pipeline_tests.report_store import VERSION, build_store


def test_a_store_becomes_items_and_a_matrix(tmp_path):
    path = build_store(tmp_path / "store.duckdb", n_items=20)
    with duckdb.connect(str(path), read_only=True) as connection:
        library = read_library(connection)
        title, dimension, score = connection.execute(
            "SELECT title, dimension, score FROM features.item_features "
            "JOIN catalog.items USING (item_id) WHERE score > 0 ORDER BY item_id DESC LIMIT 1"
        ).fetchone()
    assert library.items["n_ratings"].is_sorted(descending=True)
    row = library.items["title"].to_list().index(title)
    matrix = library.scores[VERSION]
    assert matrix.shape == (20, 132)
    assert matrix[row, library.names(VERSION).index(dimension)] == pytest.approx(score)
    outside = library.items["item_index"].is_null().to_numpy()
    assert np.isnan(matrix[outside]).all(), "not scored is not the same as 0"
    assert not np.isnan(matrix[~outside]).any()
    assert library.models == {VERSION: "gpt-5-mini"}
    first = str(library.items["item_id"][0])
    assert library.row_of(first) == 0
    assert library.row_of("nobody") is None


def test_a_store_without_features_says_what_to_do():
    with pytest.raises(RecfeatError, match=r"no table catalog.items yet: run `recfeat run"):
        read_library(duckdb.connect())
