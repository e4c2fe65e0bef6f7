"""Whether a run's arms read what would be asked."""

from dataclasses import replace

import pytest

from recfeat_pipeline.defs.drive import Plan, orders_read
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.arms import resolve_arms

V1 = "genome132-v1"


@pytest.mark.parametrize(
    ("arms", "version", "expected"),
    [
        ("popularity,ease,ease_genres,ease_curated", V1, False),
        ("ease,ease_llm", V1, True),
        ("random", V1, True),  # of the scores' width
        ("text_embedding", V1, False),
        ("names_masked", V1, False),  # reads a probe of it
        ("names_masked", f"{V1}+names-masked", True),
        ("llm", f"{V1}+names-masked", False),
        ("ease_student", V1, False),
        ("ease_reranked", V1, False),  # an LLM puts its items in order, and reads no scores
        ("ease_reranked_features", V1, True),
    ],
)
def test_arms_say_whether_they_read_scores(tmp_path, arms, version, expected):
    plan = Plan(load_version(version), resolve_arms(arms), [0])
    assert plan.reads(load_version(version), Lake(tmp_path), None) is expected


def test_an_arm_below_another_counts(tmp_path):
    reads_scores = resolve_arms("ease_llm")[0]
    (judged,) = resolve_arms("ease_reranked")
    above = judged.with_settings({"base": reads_scores.id})
    version = load_version(V1)
    assert Plan(version, [above], [0]).reads(version, Lake(tmp_path), None)


def test_another_tag_of_a_dimension_is_told_although_no_question_names_it():
    """The embedded extractor looks for it, and the report compares it with the scores."""
    version = load_version(V1)
    group, *groups = version.taxonomy.groups
    dimension, *others = group.dimensions
    other = replace(dimension, genome_tags=("another tag",))
    changed = replace(group, dimensions=(other, *others))
    retagged = replace(version, taxonomy=replace(version.taxonomy, groups=(changed, *groups)))
    assert retagged.key == version.key
    told = [list(Plan(each, [], [0]).asks("extraction")) for each in (version, retagged)]
    assert told[0] != told[1]


def test_a_search_reads_the_pairs_of_its_own_seed():
    [arm] = resolve_arms("lightgcn_pairs")
    assert orders_read([(arm, 1), (arm, 2)], tuned=False) == [(arm, 1), (arm, 2)]
    assert orders_read([(arm, 1), (arm, 2)], tuned=True) == [(arm, 0), (arm, 1), (arm, 2)]
