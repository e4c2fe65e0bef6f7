"""What a gain is worth against the price, once the user says what a conversion is."""

import math
from dataclasses import replace

import polars as pl
import pytest

from recfeat_pipeline.report.sections.cost import cost
from recfeat_pipeline.report.verdict import cost_per_thousand


@pytest.fixture
def paragraphs(read):
    """The cost section's prose; hits change as MRR does."""

    def build(store=None, half=None, **changes):
        inputs = read(store, **changes)
        hits = inputs.contrasts.with_columns(
            metric=pl.lit("hit_rate"), k=pl.lit(10, inputs.contrasts.schema["k"])
        )
        if half is not None:
            hits = hits.with_columns(ci_low=pl.col("delta") - half * pl.col("reference_value"))
        inputs = replace(inputs, contrasts=pl.concat([inputs.contrasts, hits]))
        blocks = cost(inputs).blocks
        return inputs, [block.text for block in blocks if block.kind == "paragraph"]

    return build


def test_a_gain_is_repaid_after_so_many_conversions(paragraphs):
    """Hits rise by 3 % [1.8, 4.2]: the price over the worth of the change, at both ends."""
    inputs, texts = paragraphs(value_per_conversion=0.02)
    [said] = [text for text in texts if "conversion" in text]
    total = cost_per_thousand(inputs) * inputs.items["n_scored"].sum() / 1000
    typical, least, most = (math.ceil(total / (0.02 * by)) for by in (0.03, 0.042, 0.018))
    assert f"repaid after {typical:,} conversions from recommendations" in said
    assert f"({least:,} to {most:,}), if conversions change as Hit@10 does: +3.0" in said
    assert "a conversion is worth $0.02, as you say" in said


def test_where_hits_may_not_rise_it_may_never_be_repaid(paragraphs):
    _, texts = paragraphs(half=0.04, value_per_conversion=0.02)
    assert any("to never)" in text for text in texts)


def test_no_gain_repays_nothing(paragraphs):
    _, texts = paragraphs({"llm_gain": 0.005}, value_per_conversion=0.02)
    assert any("No gain is shown that could repay them" in text for text in texts)


def test_nothing_is_said_of_a_value_that_nobody_stated(paragraphs):
    assert not any("conversion" in text for text in paragraphs()[1])
