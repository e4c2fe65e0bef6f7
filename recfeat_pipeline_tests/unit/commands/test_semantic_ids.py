"""What is shown of semantic ids, on items whose kinds are plain."""

import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.commands.semantic_ids import by_level, largest
from recfeat_pipeline.content.codes import residual_codes

KIND = np.array([0, 0, 0, 1, 1, 2])
MATRIX = np.eye(3, dtype=np.float32)[KIND]
CODES = residual_codes(MATRIX, levels=1, size=3)


def test_items_of_one_kind_share_a_code_and_are_alike():
    none, first = by_level(CODES, MATRIX)
    assert (none["groups"], none["largest"], none["even"]) == (1, 6, pytest.approx(1.0))
    assert (first["groups"], first["largest"]) == (3, 3)
    share = np.array([3, 2, 1]) / 6
    assert first["even"] == pytest.approx(float(np.exp(-(share * np.log(share)).sum())))
    assert first["cosine"] == pytest.approx(1.0, abs=1e-6)
    assert none["cosine"] < 0.2


def test_the_largest_codes_come_first_with_what_stands_out():
    corpus = pl.DataFrame({"title": list("abcdef"), "n_ratings": [1, 9, 5, 1, 2, 1]})
    groups = largest(CODES, MATRIX, ("llm:sea", "llm:war", "llm:love"), corpus)
    assert [group["items"] for group in groups] == [3, 2, 1]
    assert groups[0]["columns"][0] == "sea"
    assert groups[0]["titles"] == ["b", "c", "a"]


def test_columns_of_an_embedding_have_no_names_to_show():
    corpus = pl.DataFrame({"title": list("abcdef"), "n_ratings": range(6)})
    names = ("text_embedding:0", "text_embedding:1", "text_embedding:2")
    assert largest(CODES, MATRIX, names, corpus)[0]["columns"] == []
