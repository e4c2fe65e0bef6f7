"""Vectors of short texts: from an endpoint, from a local model, or from the text's own letters.

Every vector has unit length. Vectors that were bought are kept by content under
``vectors/embedding=E/``, so the same text is embedded once whatever version or item it belongs to.
"""

import itertools
import re
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.keys import sha256
from recfeat_pipeline.extraction.types import now
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings

LOCAL = "sentence-transformers:"  # prefix of a local model's name or path
HASHED = "hashed-ngrams-256-v1"
AT_ONCE, CHARS_AT_ONCE = 256, 300_000  # texts and characters of one request: ~75,000 tokens
COMMON = {
    "a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "has", "have", "he",
    "her", "his", "in", "into", "is", "it", "its", "of", "on", "or", "she", "that", "the",
    "their", "them", "they", "this", "to", "was", "were", "who", "will", "with", "film",
    "movie", "story", "viewers", "those",
}  # fmt: skip


class Embedder(Protocol):
    """Turns texts into vectors; ``name`` is written beside every vector."""

    name: str

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """One vector a text, float32 [n, E], not yet at unit length."""
        ...


class HashedEmbedder:
    """The embedded default: hashed words and letter sequences, projected at random. No model.

    Texts that share words, or parts of words, are near each other; meaning beyond spelling is not
    seen. Feature hashing (Weinberger et al. 2009) into 4,096 signed buckets, then a Gaussian
    projection to 256 (Johnson-Lindenstrauss). Without a corpus to count in, the commonest English
    words are down-weighted by a fixed list instead of an IDF, so one text always has one vector.
    """

    name = HASHED
    BUCKETS, WIDTH = 4096, 256

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """See :class:`Embedder`."""
        counts = np.zeros((len(texts), self.BUCKETS), dtype=np.float32)
        for row, text in enumerate(texts):
            for feature, weight in self._features(text):
                code = zlib.crc32(feature.encode("utf-8", "replace"))
                counts[row, code % self.BUCKETS] += weight if code >> 31 else -weight
        return (np.sign(counts) * np.log1p(np.abs(counts))) @ self._projection

    def _features(self, text: str) -> Iterator[tuple[str, float]]:
        words = re.findall(r"[^\W_]+", text.casefold())
        for word in words:
            weight = 0.1 if word in COMMON else 1.0
            yield word, weight
            padded = f"<{word}>"
            for i in range(len(padded) - 3):
                yield padded[i : i + 4], 0.25 * weight
        for pair in itertools.pairwise(words):
            yield " ".join(pair), 0.5

    @cached_property
    def _projection(self) -> np.ndarray:
        rng = np.random.Generator(np.random.PCG64(256))
        return rng.standard_normal((self.BUCKETS, self.WIDTH), dtype=np.float32)


class EndpointEmbedder:
    """An OpenAI-compatible ``/v1/embeddings``."""

    def __init__(self, model: str, base_url: str | None, api_key: str | None):
        import openai

        from recfeat_pipeline.extraction.backends.secret import Secret

        self.name = model
        self._secret = Secret(api_key)
        self._client = openai.OpenAI(
            api_key=self._secret.reveal(),
            base_url=base_url,
            max_retries=5,
            http_client=openai.DefaultHttpxClient(follow_redirects=False),
        )

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """See :class:`Embedder`.

        Raises:
            RecfeatError: the endpoint refuses, is gone, or answers with something else.
        """
        import openai

        from recfeat_pipeline.extraction.backends.trouble import explain

        url = str(self._client.base_url)
        try:
            reply = self._client.embeddings.create(
                model=self.name, input=list(texts), encoding_format="float"
            )
            ordered = sorted(reply.data, key=lambda entry: entry.index)
            if [entry.index for entry in ordered] != list(range(len(texts))):
                raise ValueError("some vectors are missing")
            vectors = np.array([entry.embedding for entry in ordered], dtype=np.float32)
        except openai.APIStatusError as error:
            response = (error.status_code, error.response.headers, error.body)
            why = explain(*response, url, self.name, self._secret)
            why = getattr(why, "exhausted", None) or why
            raise RecfeatError(f"No embeddings: {why}") from None
        except openai.APIConnectionError:
            raise RecfeatError(
                f"No connection to {url} for embeddings. Check that the server runs, then run "
                "again; vectors made before are kept."
            ) from None
        except (ValueError, TypeError, AttributeError) as error:
            raise RecfeatError(
                f"{url} answered /embeddings with something else: {error}."
            ) from None
        return vectors


class LocalEmbedder:
    """A sentence-transformers model, by name or by the path of its folder."""

    def __init__(self, model: str):
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise RecfeatError(
                "A local embedding model needs sentence-transformers: pip install "
                "'recfeat_pipeline[embeddings]', or leave RECFEAT_EMBEDDING_MODEL unset."
            ) from error
        self.name = model
        self._model = SentenceTransformer(model)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """See :class:`Embedder`."""
        return np.asarray(self._model.encode(list(texts), show_progress_bar=False), np.float32)


def choose_embedder(settings: Settings) -> Embedder:
    """The embedder that the settings name."""
    model = settings.embedding_model
    if model is None or model == HASHED:
        return HashedEmbedder()
    if model.startswith(LOCAL):
        return LocalEmbedder(model.removeprefix(LOCAL))
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else None
    return EndpointEmbedder(model, settings.llm_base_url, key)


def embed_once(lake: Lake, texts: Sequence[str], embedder: Embedder) -> np.ndarray:
    """Unit vectors of the texts, float32 [n, E], in order; what the lake holds is not made again.

    The vectors of a request are a segment of their own, so a crash loses at most the last one.

    Raises:
        RecfeatError: the embedder cannot answer; a vector is not finite or has no direction.
    """
    if not texts:
        return np.zeros((0, 0), dtype=np.float32)
    keys = [sha256(text) for text in texts]
    place = re.sub(r"[^\w.-]+", "-", embedder.name)
    held = _held(lake, place, set(keys), embedder.name)
    missing = list({k: t for k, t in zip(keys, texts, strict=True) if k not in held}.items())
    for part in _requests(missing):
        vectors = normalised(embedder.embed([text for _, text in part]))
        rows = _segment([k for k, _ in part], vectors, embedder.name, now())
        lake.append("vectors", rows, embedder=place)
        held |= dict(zip((k for k, _ in part), vectors, strict=True))
    if missing:
        lake.compact("vectors", embedder=place)
    return np.stack([held[key] for key in keys])


def _requests(texts: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """(key, text) pairs in parts that one request takes; a text is never cut."""
    part: list[tuple[str, str]] = []
    n_chars = 0
    for key, text in texts:
        if part and (len(part) == AT_ONCE or n_chars + len(text) > CHARS_AT_ONCE):
            yield part
            part, n_chars = [], 0
        part.append((key, text))
        n_chars += len(text)
    if part:
        yield part


def normalised(vectors: np.ndarray) -> np.ndarray:
    """Rows [n, E] at unit length.

    Raises:
        RecfeatError: a row is not finite, or zero.
    """
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or (lengths == 0).any():
        raise RecfeatError(
            "The embedding of a text is zero or not finite; use another embedding model."
        )
    return (vectors / lengths).astype(np.float32)


def vector_series(vectors: np.ndarray) -> pl.Series:
    """Rows of a matrix as a column of lists."""
    if not len(vectors):
        return pl.Series([], dtype=pl.List(pl.Float32))
    return pl.Series(vectors.astype(np.float32)).cast(pl.List(pl.Float32))


def _segment(keys: list[str], vectors: np.ndarray, name: str, at: datetime) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "text_hash": keys,
            "vector": vector_series(vectors),
            "embedding": name,
            "created_at": at,
        }
    )


def _held(lake: Lake, place: str, wanted: set[str], name: str) -> dict[str, Any]:
    held: dict[str, Any] = {}
    ours = pl.col("text_hash").is_in(list(wanted)) & (pl.col("embedding") == name)
    for path in lake.table_paths("vectors", embedder=place):
        if lake.read_parquet(path, ["text_hash", "embedding"]).filter(ours).is_empty():
            continue  # vectors are most of a file
        rows = lake.read_parquet(path).filter(ours)
        for key, vector in rows.select("text_hash", "vector").iter_rows():
            held[key] = np.asarray(vector, dtype=np.float32)
    return held
