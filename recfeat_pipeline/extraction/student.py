"""A student: what a model scored of some items, predicted for the others from their text.

Kernel ridge regression over two views of a text, its embedding and its words. A text costs an
embedding instead of a call, so that what is not worth a call gets scores too; they are marked as
the student's wherever a score's model is shown.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy.sparse

from recfeat_pipeline.extraction.keys import sha256_of_rows
from recfeat_pipeline.extraction.types import now
from recfeat_pipeline.schemas import SCORES

RIDGE = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the words in how alike two texts are; the rest is their embeddings'."""
BLOCK = 4096  # items predicted at once
LEAST_TAUGHT = 10
COMMON_WORDS = 50_000  # that are told apart, the most frequent first


@dataclass(frozen=True)
class Views:
    """Texts of n items as rows of two kinds, whose products say how alike two texts are."""

    vectors: np.ndarray  # float32 [n, W], of unit length
    words: scipy.sparse.csr_matrix  # float32 [n, V], TF-IDF of unit length

    @classmethod
    def of(cls, texts: Sequence[str], vectors: np.ndarray) -> "Views":
        """From the texts and their embeddings [n, W]."""
        return cls(vectors, tf_idf(texts))

    def alike(self, rows: np.ndarray, others: np.ndarray, share: float) -> np.ndarray:
        """float64 [r, o] of the items of two lists, words counting for ``share``."""
        of_words = (self.words[rows] @ self.words[others].T).toarray().astype(np.float64)
        return share * of_words + (1 - share) * (self.vectors[rows] @ self.vectors[others].T)


def tf_idf(texts: Sequence[str]) -> scipy.sparse.csr_matrix:
    """Words of two texts or more, [n, V]: log counts weighed by rarity, rows of unit length."""
    words = [re.findall(r"[^\W\d_]{2,}", text.casefold()) for text in texts]
    rows = np.repeat(np.arange(len(words)), [len(each) for each in words])
    counted = (
        pl.DataFrame({"row": rows, "word": [word for each in words for word in each]},
                     schema={"row": pl.Int64, "word": pl.String})
        .group_by("row", "word")
        .len()
    )  # fmt: skip
    known = counted.group_by("word").agg(n=pl.len()).filter(pl.col("n") > 1)
    known = known.sort("n", "word", descending=[True, False]).head(COMMON_WORDS)
    placed = counted.join(known.with_row_index("column"), on="word").sort("row", "column")
    values = np.log1p(placed["len"].to_numpy()) * np.log(len(texts) / placed["n"].to_numpy())
    shape = len(texts), known.height
    at = placed["row"].to_numpy(), placed["column"].to_numpy()
    matrix = scipy.sparse.csr_matrix((values.astype(np.float32), at), shape=shape)
    lengths = np.sqrt(matrix.multiply(matrix).sum(1).A1)
    return scipy.sparse.diags(1 / np.maximum(lengths, 1e-9)).astype(np.float32) @ matrix


@dataclass(frozen=True)
class Student:
    """What was learnt from the taught items."""

    views: Views
    taught: np.ndarray  # int64 [m]: rows of the views
    mean: np.ndarray  # float64 [D]
    weights: np.ndarray  # float64 [m, D]
    share: float  # of the words
    ridge: float

    @classmethod
    def teach(cls, views: Views, taught: np.ndarray, scores: np.ndarray) -> "Student":
        """Learn the scores [m, D] of the taught rows.

        Leaving each out in turn chooses what words and embeddings count for, and the ridge; the
        error of a row left out follows from the inverse of the ridged matrix in closed form.
        """
        mean, best = scores.mean(0), (np.inf, 0.0, 0.0, scores)
        for share in SHARES:
            values, basis = np.linalg.eigh(views.alike(taught, taught, share))
            rotated = basis.T @ (scores - mean)
            for ridge in RIDGE:
                weights = basis @ (rotated / (values + ridge)[:, None])
                diagonal = (basis**2) @ (1 / (values + ridge))
                error = float(((weights / diagonal[:, None]) ** 2).mean())
                best = min(best, (error, share, ridge, weights), key=lambda found: found[0])
        _, share, ridge, weights = best
        return cls(views, taught, mean, weights, share, ridge)

    def scores(self, rows: np.ndarray) -> np.ndarray:
        """Scores [r, D] in [0, 1] of the rows."""
        blocks = [
            self.views.alike(rows[at : at + BLOCK], self.taught, self.share) @ self.weights
            for at in range(0, len(rows), BLOCK)
        ]
        return np.clip(np.concatenate(blocks) + self.mean, 0.0, 1.0)


def student_scores(
    student: Student,
    item_ids: pl.Series,
    taught: pl.DataFrame,
    dimensions: pl.DataFrame,
    name: str,
    teacher: str,
) -> tuple[str, pl.DataFrame]:
    """Every item's scores: those of the taught items as they were bought, the others the student's.

    Args:
        student: knows the items of the views.
        item_ids: of the views' n items.
        taught: SCORES of the taught items.
        dimensions: DIMENSIONS of the teacher's version.
        name: of the new version; its key carries a hash of the scores.
        teacher: the key of the teacher's version.

    Returns:
        (version key, :data:`~recfeat_pipeline.schemas.SCORES`). A student's row has
        ``student of TEACHER`` for its model, and no call that it came from.
    """
    others = np.setdiff1d(np.arange(len(item_ids)), student.taught)
    told = dimensions.sort("position").select("group", "dimension")
    predicted = pl.DataFrame(
        {
            "item_id": np.repeat(item_ids.to_numpy()[others], told.height),
            "group": np.tile(told["group"].to_numpy(), len(others)),
            "dimension": np.tile(told["dimension"].to_numpy(), len(others)),
            "score": student.scores(others).ravel() if len(others) else [],
        }
    ).with_columns(
        model=pl.lit(f"student of {teacher}"),
        cache_key=pl.lit(None, pl.String),
        generated_at=pl.lit(now(), SCORES["generated_at"]),
    )
    ids = taught.schema["item_id"]
    frame = pl.concat(
        [
            taught.select(list(SCORES)),
            predicted.with_columns(
                pl.col("item_id").cast(ids), pl.col("score").cast(SCORES["score"])
            ).select(list(SCORES)),
        ]
    ).sort("item_id", maintain_order=True)
    digest = sha256_of_rows(frame.select("item_id", "dimension", "score", "model"))
    return f"{name}@{digest[:8]}", frame
