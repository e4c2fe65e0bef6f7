"""The probes of a report: what was asked, what was not, and nothing without them."""

import dataclasses

import polars as pl

from recfeat_pipeline.report.sections.probes import probes


def test_probes_stand_by_the_text_they_saw_and_one_may_not_have_been_run(read):
    section = probes(read())
    assert [(row[0], row[-1]) for row in section.blocks[1].rows] == [
        ("genome132-v1", "run"),
        ("genome132-v1+names-masked", "run"),
        ("genome132-v1+first-300", "run"),
        ("genome132-v1+first-100", "not run: no scores of this prompt version"),
        ("genome132-v1+title-only", "run"),
    ]


def test_without_a_probe_there_is_no_section(read):
    inputs = read()
    none = inputs.probes.filter(pl.col("arm") == "llm")
    assert probes(dataclasses.replace(inputs, probes=none)) is None
