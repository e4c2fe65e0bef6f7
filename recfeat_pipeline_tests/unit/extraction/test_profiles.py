"""Profiles and their vectors."""

import sys
import types

import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction import Limits, extract, load_version
from recfeat_pipeline.extraction.embeddings import (
    HASHED,
    EndpointEmbedder,
    HashedEmbedder,
    choose_embedder,
    embed_once,
    normalised,
)
from recfeat_pipeline.extraction.profiles import import_profiles, read_profiles
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.profile_schemas import PROFILES
from recfeat_pipeline.settings import Settings
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer
from recfeat_pipeline_tests.unit.extraction.cases import Scripted, documents

VERSION = load_version("item-profile-v1")


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path)


class Counting(HashedEmbedder):
    def __init__(self):
        self.texts = []

    def embed(self, texts):
        self.texts += texts
        return super().embed(texts)


def test_profiles_come_back_with_unit_vectors_and_are_embedded_once(lake):
    extract(documents(3), VERSION, lake, "00", Scripted(), limits=Limits(2))
    embedder = Counting()
    for _ in range(2):
        frame = read_profiles(documents(3), VERSION, lake, "00", VERSION.model, embedder)
    assert frame.schema == pl.Schema(PROFILES)
    assert frame["item_id"].to_list() == [1, 2, 3]
    assert frame["tags"].list.len().to_list() == [4, 4, 4]
    assert set(frame["embedding"]) == {HASHED}
    assert set(frame["prompt_version"]) == {VERSION.key}
    assert np.linalg.norm(frame["vector"].to_list(), axis=1) == pytest.approx(np.ones(3))
    assert len(embedder.texts) == 3


def test_no_profiles_yet(lake):
    frame = read_profiles(documents(3), VERSION, lake, "00", VERSION.model, HashedEmbedder())
    assert frame.schema == pl.Schema(PROFILES)
    assert frame.is_empty()


def test_recorded_profiles_are_a_version_of_their_own(lake):
    given = pl.DataFrame({"item_id": [2, 1], "profile": ["A war\nfilm. Grim.", "A love story."]})
    frame = import_profiles(given, "recorded", lake, HashedEmbedder())
    assert frame.schema == pl.Schema(PROFILES)
    assert frame["item_id"].to_list() == [1, 2]
    assert frame["profile"][1] == "A war film. Grim."
    key = frame["prompt_version"][0]
    assert key.startswith("recorded@")
    assert len(key) == len("recorded@") + 8
    again = import_profiles(given.reverse(), "recorded", lake, HashedEmbedder())
    assert again["prompt_version"][0] == key
    other = import_profiles(given.head(1), "recorded", lake, HashedEmbedder())
    assert other["prompt_version"][0] != key


def test_what_cannot_be_imported_is_named(lake):
    with pytest.raises(RecfeatError, match="no column 'profile'"):
        import_profiles(pl.DataFrame({"item_id": [1]}), "x", lake, HashedEmbedder())
    twice = pl.DataFrame({"item_id": [1, 1], "profile": ["a", "b"]})
    with pytest.raises(RecfeatError, match="name item 1 twice"):
        import_profiles(twice, "x", lake, HashedEmbedder())


def test_the_embedded_vectors_put_like_texts_together():
    texts = [
        "A tense war film about soldiers in Vietnam.",
        "Soldiers fight in the Vietnam war, a tense film.",
        "A light romantic comedy about a wedding.",
    ]
    vectors = normalised(HashedEmbedder().embed(texts))
    near, far = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
    assert near > 0.5 > far
    assert vectors.shape == (3, HashedEmbedder.WIDTH)
    alone = normalised(HashedEmbedder().embed(texts[1:2]))  # other texts do not matter
    assert alone[0] == pytest.approx(vectors[1], abs=1e-5)


def test_a_vector_without_direction_is_refused(lake):
    with pytest.raises(RecfeatError, match="zero or not finite"):
        normalised(np.zeros((1, 3), dtype=np.float32))
    with pytest.raises(RecfeatError, match="zero or not finite"):
        normalised(np.array([[1.0, np.nan]], dtype=np.float32))


def test_an_endpoint_embeds_in_order_whatever_order_it_answers_in(lake):
    with OpenAIServer(api_key="sk-test-key-1234567890") as server:
        embedder = EndpointEmbedder(
            "text-embedding-3-small", server.base_url, "sk-test-key-1234567890"
        )
        texts = [f"text {i}" for i in range(300)]
        vectors = embed_once(lake, texts, embedder)
        one = embed_once(lake, ["text 7"], embedder)
        assert one[0] == pytest.approx(vectors[7])
        assert server.counts["embeddings"] == 2  # 256 and 44; the last was kept
        wrong = EndpointEmbedder("m", server.base_url, "sk-wrong-key-1234567890")
        with pytest.raises(RecfeatError, match="refuses the API key") as caught:
            wrong.embed(["x"])
        assert "sk-wrong" not in str(caught.value)


def test_the_embedder_is_chosen_by_name(monkeypatch):
    assert choose_embedder(Settings()).name == HASHED
    assert choose_embedder(Settings(embedding_model="mine")).name == "mine"
    monkeypatch.setenv("RECFEAT_EMBEDDING_MODEL", "sentence-transformers:/models/minilm")
    with pytest.raises(RecfeatError, match="needs sentence-transformers"):
        choose_embedder(Settings())


def test_a_local_model_is_loaded_by_path(monkeypatch, lake):
    class Model:
        def __init__(self, path):
            self.path = path

        def encode(self, texts, show_progress_bar):
            return [[3.0, 4.0] for _ in texts]

    module = types.ModuleType("sentence_transformers")
    module.SentenceTransformer = Model
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)
    embedder = choose_embedder(Settings(embedding_model="sentence-transformers:/models/minilm"))
    assert embedder.name == "/models/minilm"
    assert embed_once(lake, ["x"], embedder).tolist() == [pytest.approx([0.6, 0.8])]
