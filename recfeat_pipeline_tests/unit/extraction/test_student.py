"""The student, on texts whose words say what is scored."""

import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.extraction.student import RIDGE, Student, Views, student_scores, tf_idf
from recfeat_pipeline.extraction.types import now
from recfeat_pipeline.schemas import SCORES

RNG = np.random.default_rng(0)
WET, SAD = RNG.random(60) < 0.5, RNG.random(60) < 0.5
TEXTS = [
    " ".join([f"noise{chr(97 + n % 20)}", *["sea harbour"] * int(wet), *["tears grief"] * int(sad)])
    for n, (wet, sad) in enumerate(zip(WET, SAD, strict=True))
]
SCORED = np.stack([WET, SAD], axis=1) * 0.8
NOTHING = np.zeros((60, 4), np.float32)
DIMENSIONS = pl.DataFrame(
    {"group": ["place", "mood"], "dimension": ["sea", "sad"], "position": [0, 1]}
)


def rows(items, scores) -> pl.DataFrame:
    """SCORES of a teacher."""
    return pl.DataFrame(
        {
            "item_id": np.repeat(items, 2),
            "group": ["place", "mood"] * len(items),
            "dimension": ["sea", "sad"] * len(items),
            "score": scores.ravel(),
            "model": "teacher-1",
            "cache_key": "k",
            "generated_at": now(),
        }
    ).cast({"score": SCORES["score"]})  # fmt: skip


def test_what_the_words_say_is_learnt_and_words_alone_are_chosen():
    student = Student.teach(Views.of(TEXTS, NOTHING), np.arange(40), SCORED[:40])
    found = student.scores(np.arange(40, 60))
    np.testing.assert_allclose(found, SCORED[40:], atol=0.15)
    assert student.share > 0


def test_embeddings_are_chosen_where_words_say_nothing():
    vectors = np.concatenate([SCORED, 1 - SCORED], axis=1).astype(np.float32)
    student = Student.teach(Views.of(["same words"] * 60, vectors), np.arange(40), SCORED[:40])
    np.testing.assert_allclose(student.scores(np.arange(40, 60)), SCORED[40:], atol=0.05)
    assert student.share < 1


def test_the_error_of_a_row_left_out_is_that_of_a_student_without_it():
    """The closed form against teaching anew: the same ridge is best (the mean held)."""
    views, taught = Views.of(TEXTS, NOTHING), np.arange(25)
    scores = RNG.random((25, 2))
    chosen = Student.teach(views, taught, scores)
    mean, alike = scores.mean(0), views.alike(taught, taught, chosen.share)

    def error(ridge: float) -> float:
        missed = []
        for out in range(25):
            kept = np.delete(taught, out)
            system = alike[np.ix_(kept, kept)] + ridge * np.eye(24)
            weights = np.linalg.solve(system, scores[kept] - mean)
            missed.append(alike[out, kept] @ weights + mean - scores[out])
        return float(np.square(missed).mean())

    assert chosen.ridge == min(RIDGE, key=error)


def test_rare_words_weigh_more_and_those_of_one_text_nothing():
    matrix = tf_idf(["sea sea love", "sea love", "love harbour", "love unique"]).toarray()
    assert matrix.shape == (4, 2)  # love, sea
    np.testing.assert_allclose(np.linalg.norm(matrix, axis=1), [1, 1, 0, 0], atol=1e-6)
    assert (matrix[:2, 0] == 0).all(), "what every text has tells nothing"


def test_scores_stay_between_0_and_1():
    views = Views.of(TEXTS, NOTHING)
    student = Student(views, np.arange(2), np.zeros(2), np.full((2, 2), 50.0), 1.0, 1.0)
    assert student.scores(np.arange(60)).max() == 1.0


@pytest.mark.parametrize("text_ids", [False, True])
def test_what_is_the_students_says_so(text_ids):
    ids = pl.Series("item_id", [f"B{n:02}" for n in range(60)] if text_ids else range(60))
    taught = np.arange(0, 60, 2)
    bought = rows(ids.gather(taught).to_list(), SCORED[taught])
    student = Student.teach(Views.of(TEXTS, NOTHING), taught, SCORED[taught])
    key, frame = student_scores(student, ids, bought, DIMENSIONS, "cheap", "teacher@1")
    assert key.startswith("cheap@")
    assert frame.schema["item_id"] == ids.dtype
    assert frame.height == 120
    own = frame.join(bought, on=["item_id", "dimension"], how="anti")
    assert set(own["model"]) == {"student of teacher@1"}
    assert own["cache_key"].null_count() == own.height == 60
    kept = frame.join(own, on=["item_id", "dimension"], how="anti")
    assert (
        kept.select(bought.columns)
        .sort("item_id", "dimension")
        .equals(bought.sort("item_id", "dimension"))
    )
