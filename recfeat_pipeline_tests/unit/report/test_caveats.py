from dataclasses import replace

import polars as pl
import pytest

from recfeat_pipeline.report.caveats import find_caveats


@pytest.mark.parametrize(
    ("store", "changes", "words"),
    [
        ({"seeds": 1}, {}, "One seed"),
        ({"model": "lexical-1"}, {"used_llm": False}, "No LLM was used"),
        ({}, {"synthetic": True}, "generated, with a planted effect"),
        ({"control_gain": None}, {}, "No random-feature control"),
        ({"contrasts": False}, {}, "No intervals were computed"),
        ({"curated": False}, {}, "no arm with curated tags"),
        ({}, {}, "fewer than 500 characters"),
        ({}, {}, "1 of 270 extraction calls failed"),
        ({}, {}, "1 planned arm"),
    ],
)
def test_a_weakness_in_the_data_is_said(read, store, changes, words):
    assert any(words in caveat for caveat in find_caveats(read(store, **changes)))


def test_runs_that_rank_other_examples_are_named(read):
    inputs = read()
    ranking = inputs.ranking.filter(~((pl.col("arm") == "random") & (pl.col("seed") > 2)))
    told = " ".join(find_caveats(replace(inputs, ranking=ranking)))
    assert "Left out: 2 runs (Random features) made before the catalogue changed" in told
    assert "Left out" not in " ".join(find_caveats(inputs))


def test_arms_that_were_not_trained_alike_are_named(read):
    inputs = read()
    more = pl.when((pl.col("arm") == "llm") & (pl.col("seed") == 0)).then(pl.col("steps") * 2)
    runs = inputs.runs.with_columns(steps=more.otherwise("steps"))
    assert "mix two trainings" in " ".join(find_caveats(replace(inputs, runs=runs)))
    fewer = inputs.ranking.filter((pl.col("arm") != "llm") | (pl.col("seed") < 2))
    told = " ".join(find_caveats(replace(inputs, ranking=fewer)))
    assert "different seeds" in told
    assert "LLM features (B′) 2" in told
    alike = " ".join(find_caveats(inputs))
    assert "different seeds" not in alike
    assert "mix two" not in alike


def test_what_has_no_luck_is_not_told_to_run_five_seeds(read):
    """One seed of a model in closed form is all there is; of a control, whose draw is luck, not."""
    inputs = read({"seeds": 1})
    notes = inputs.provenance.arms

    def told(*drawn):
        solved = {a: note.model_copy(update={"draws": a in drawn}) for a, note in notes.items()}
        provenance = inputs.provenance.model_copy(update={"arms": solved})
        return " ".join(find_caveats(replace(inputs, provenance=provenance)))

    assert "One seed" not in told()
    assert "drawn once" not in told()
    assert "drawn once" in told("random")
    assert "One seed" not in told("random")
    assert "One seed" in told("llm")


def test_what_is_not_weak_is_not_mentioned(read):
    text = " ".join(find_caveats(read(skipped_arms={})))
    for words in ("One seed", "No LLM", "generated", "control", "intervals", "not run", "cover"):
        assert words not in text
