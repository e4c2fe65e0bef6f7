import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.extraction.document_vectors import document_vectors
from recfeat_pipeline.extraction.embeddings import HASHED, HashedEmbedder
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import DOCUMENT_VECTORS
from recfeat_pipeline_tests.unit.extraction.cases import documents


class Counting(HashedEmbedder):
    def __init__(self, name: str = HASHED):
        self.name, self.requests = name, []

    def embed(self, texts):
        self.requests.append(list(texts))
        return super().embed(texts)


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(tmp_path)
    write(lake, documents(3))
    return lake


def write(lake: Lake, frame: pl.DataFrame) -> None:
    lake.write("documents", frame, shard="00")


def embed(lake: Lake, embedder: Counting) -> pl.DataFrame:
    frame = document_vectors(lake, "00", embedder)
    lake.write("document_vectors", frame, shard="00")
    return frame


def test_a_row_per_document_with_text(lake):
    silent = pl.when(pl.col("item_id") == 2).then(pl.lit("")).otherwise("text")
    write(lake, documents(3).with_columns(text=silent))
    frame = embed(lake, Counting())
    assert frame.schema == pl.Schema(DOCUMENT_VECTORS)
    assert frame["item_id"].to_list() == [1, 3]
    assert set(frame["embedding"]) == {HASHED}
    lengths = np.linalg.norm(np.array(frame["vector"].to_list()), axis=1)
    assert lengths == pytest.approx(np.ones(2))


def test_only_what_changed_is_embedded_again(lake):
    embedder = Counting()
    first = embed(lake, embedder)
    assert embed(lake, embedder).equals(first)
    assert len(embedder.requests) == 1
    changed = pl.when(pl.col("item_id") == 2).then(pl.lit("a", pl.String) + pl.col("text"))
    hashed = pl.when(pl.col("item_id") == 2).then(pl.lit("new")).otherwise("content_hash")
    write(lake, documents(3).with_columns(text=changed.otherwise("text"), content_hash=hashed))
    second = embed(lake, embedder)
    assert [len(texts) for texts in embedder.requests] == [3, 1]
    same = pl.col("item_id") != 2
    assert second.filter(same).equals(first.filter(same))
    assert second.filter(~same)["vector"].to_list() != first.filter(~same)["vector"].to_list()


def test_another_embedding_replaces_all(lake):
    embed(lake, Counting())
    frame = embed(lake, Counting("other"))
    assert set(frame["embedding"]) == {"other"}
    assert frame.height == 3


def test_an_item_that_has_left_has_no_vector(lake):
    embed(lake, Counting())
    write(lake, documents(2))
    assert embed(lake, Counting())["item_id"].to_list() == [1, 2]


def test_a_request_is_as_large_as_an_endpoint_takes(lake, monkeypatch):
    monkeypatch.setattr("recfeat_pipeline.extraction.embeddings.CHARS_AT_ONCE", 1)
    embedder = Counting()
    embed(lake, embedder)
    assert [len(texts) for texts in embedder.requests] == [1, 1, 1], "a text is never cut"
