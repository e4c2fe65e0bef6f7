"""The curve of a student, on texts of which one word says what is scored."""

from pathlib import Path

import numpy as np
import polars as pl

from recfeat_pipeline.commands.student_curve import Teacher, draw, measure
from recfeat_pipeline.extraction.student import Views
from recfeat_pipeline.lake import Lake

N = 140
WET = np.random.default_rng(0).random(N) < 0.5
TEXTS = [f"{'a sea' if wet else 'a town'} and noise{n % 7}" for n, wet in enumerate(WET)]


def teacher(n_scored: int = N) -> Teacher:
    items = pl.DataFrame({"item_id": range(N)})
    scores = items.head(n_scored).with_columns(
        group=pl.lit("place"), dimension=pl.lit("sea"), score=pl.Series(WET[:n_scored]).cast(float)
    )
    dimensions = pl.DataFrame(
        {"group": ["place"], "dimension": ["sea"], "position": [0], "genome_tags": [["sea"]]}
    )
    return Teacher(
        Lake(Path("nowhere")),
        "llm@1",
        scores,
        dimensions,
        items.with_columns(text=pl.Series(TEXTS)),
        Views.of(TEXTS, np.zeros((N, 2), np.float32)),
        "none",
        pl.DataFrame(schema={"item_id": pl.Int64, "tag": pl.String, "relevance": pl.Float64}),
    )


def test_the_student_agrees_and_the_control_does_not():
    n_held, (student, control, ceiling) = measure(teacher(), seed=0)
    assert n_held == 28
    assert (student.answers, control.answers) == (100, 100)
    assert student.with_teacher > 0.9
    assert control.with_teacher is None, "it learnt nothing, so it says the same of all"
    assert control.interval is None
    assert ceiling.with_teacher is None, "with itself it always agrees"
    assert [line.with_tags for line in (student, control, ceiling)] == [None] * 3


def test_without_enough_to_hold_out_there_is_no_curve():
    assert measure(teacher(n_scored=60), seed=0) == (12, [])


def test_those_that_are_taught_are_drawn_from_the_scored():
    some = draw(teacher(n_scored=30), 20, seed=1)
    assert len(set(some)) == 20
    assert some.max() < 30
    assert not np.array_equal(some, draw(teacher(n_scored=30), 20, seed=2))
