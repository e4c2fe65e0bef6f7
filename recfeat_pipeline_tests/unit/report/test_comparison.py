from dataclasses import replace

import polars as pl

from recfeat_pipeline.report import published
from recfeat_pipeline.report.sections.comparison import beside_published


def test_on_another_corpus_only_changes_are_compared_and_the_reason_is_given(read):
    why, table = beside_published(read())
    assert "45 items" in why.text
    assert "cannot be set beside" in why.text
    mrr = next(row for row in table.rows if row[0] == "MRR")
    # Published: .1148 / .1121 - 1 and .1155 / .1121 - 1.
    assert mrr[1] == "+2.4\u00a0%"
    assert mrr[3] == "+3.0\u00a0%"


def test_on_the_published_corpus_values_stand_side_by_side(read):
    inputs = read()
    like_for_like = replace(
        inputs,
        items=inputs.items.with_columns(n_corpus=published.N_ITEMS),
        ranking=inputs.ranking.with_columns(n=pl.lit(published.N_EXAMPLES, pl.Int64)),
    )
    (table,) = beside_published(like_for_like)
    mrr = next(row for row in table.rows if row[0] == "MRR")
    assert mrr[1:2] + mrr[3:4] + mrr[5:6] == [".1121", ".1148", ".1155"]
    ours = inputs.mean("floor", "mrr_with_seen")  # as published: seen items are candidates
    assert mrr[2] == f"{ours:.4f}".lstrip("0")


def test_without_a_content_arm_there_is_nothing_to_compare(read):
    inputs = read()
    alone = replace(inputs, ranking=inputs.ranking.filter(arm="floor"))
    assert beside_published(alone) == []
