from dataclasses import replace

import polars as pl

from recfeat_pipeline.report.blocks import Chart
from recfeat_pipeline.report.sections.results import results
from recfeat_pipeline.report.sections.slices import slices
from recfeat_pipeline.report.tables import LISTS


def test_the_lists_of_each_arm_are_described_by_their_means_over_seeds(read):
    rows = [
        ("llm", 0, "coverage", 10, 0.5, 300),
        ("llm", 1, "coverage", 10, 0.25, 300),
        ("llm", 0, "coverage", 50, 0.9, 300),
        ("llm", 0, "novelty", 10, 7.5, 300),
        ("floor", 0, "gini", 10, 0.8, 300),
    ]
    inputs = read()
    listed = replace(inputs, lists=pl.DataFrame(rows, schema=LISTS, orient="row"))
    [table] = [b for b in results(listed).blocks if getattr(b, "name", "") == "lists"]
    assert list(table.header[1:]) == ["Coverage@10", "Gini@10", "Novelty@10", "Similarity@10"]
    assert {row[0]: list(row[1:]) for row in table.rows} == {
        inputs.roles.name("floor"): ["–", "0.800", "–", "–"],
        inputs.roles.name("llm"): ["0.375", "–", "7.500", "–"],
    }
    assert not any(getattr(b, "name", "") == "lists" for b in results(inputs).blocks)


def test_arms_that_differ_in_no_content_draw_no_change(read):
    inputs = read()
    alone = replace(inputs, roles=replace(inputs.roles, curated=None, llm=None, controls=()))
    assert [b for b in slices(inputs).blocks if isinstance(b, Chart)]
    assert not [b for b in slices(alone).blocks if isinstance(b, Chart)]
