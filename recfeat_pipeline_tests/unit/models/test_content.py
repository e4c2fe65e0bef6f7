import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.models import content as content_module
from recfeat_pipeline.models.arms import Arm
from recfeat_pipeline.models.content import ContentUnavailable, build_content
from recfeat_pipeline_tests.unit.models.worlds import make_items

TAXONOMY = pl.DataFrame(
    {
        "group": ["mood", "mood", "place"],
        "dimension": ["tense", "funny", "space"],
        "genome_tags": [["tense"], ["funny", "comedy"], ["space"]],
        "position": [0, 1, 2],
    }
)
LLM = pl.DataFrame(
    {
        "item_id": [100, 100, 101, 999],
        "dimension": ["funny", "tense", "space", "space"],
        "score": pl.Series([0.5, 0.25, 1.0, 1.0], dtype=pl.Float32),
    }
)


def arm(**spec) -> Arm:
    return Arm(id="mine", title="Mine", family="base", **spec)


def test_scores_stand_in_taxonomy_and_item_order():
    got = build_content(arm(content=("llm",)), {"llm": LLM}, make_items(3), TAXONOMY)
    assert got.names == ("llm:tense", "llm:funny", "llm:space")
    assert got.matrix.tolist() == [[0.25, 0.5, 0], [0, 0, 1], [0, 0, 0]]
    assert got.coverage == pytest.approx(2 / 3)


def test_counts_become_logs_over_the_items_largest(monkeypatch):
    monkeypatch.setattr(content_module, "MIN_TAG_ITEMS", 2)
    tags = pl.DataFrame(
        {
            "item_id": [100, 100, 101, 101, 101],
            "tag": ["dark", "slow", "dark", "slow", "only here"],
            "relevance": [3.0, 1.0, 1.0, 1.0, 9.0],
        }
    )
    got = build_content(arm(content=("curated",)), {"curated": tags}, make_items(2), TAXONOMY)
    assert got.names == ("curated:dark", "curated:slow"), "a tag on one item is dropped"
    half = np.log(2) / np.log(4)
    assert got.matrix == pytest.approx(np.array([[1, half], [1, 1]]), abs=1e-6)


def test_relevance_in_zero_to_one_is_kept(monkeypatch):
    monkeypatch.setattr(content_module, "MIN_TAG_ITEMS", 1)
    tags = pl.DataFrame({"item_id": [100], "tag": ["dark"], "relevance": [0.3]})
    got = build_content(arm(content=("curated",)), {"curated": tags}, make_items(1), TAXONOMY)
    assert got.matrix == pytest.approx(np.array([[0.3]]))


def test_an_arm_without_content_has_width_zero():
    assert build_content(arm(), {}, make_items(4), TAXONOMY).matrix.shape == (4, 0)


@pytest.mark.parametrize("frames", [{}, {"llm": LLM.clear()}, {"llm": LLM.head(1)}])
def test_missing_or_thin_content_is_a_typed_refusal(frames):
    with pytest.raises(ContentUnavailable, match="llm"):
        build_content(arm(content=("llm",)), frames, make_items(6), TAXONOMY)


def test_random_features_keep_shape_and_scale_and_follow_the_seed():
    real = build_content(arm(content=("llm",)), {"llm": LLM}, make_items(3), TAXONOMY)
    noise = arm(content=("llm",), control="random")
    one, same, other = (
        build_content(noise, {"llm": LLM}, make_items(3), TAXONOMY, seed).matrix
        for seed in (0, 0, 1)
    )
    assert one.shape == real.matrix.shape
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_shuffled_rows_are_the_same_rows_elsewhere():
    items = make_items(40)
    llm = pl.DataFrame(
        {
            "item_id": range(100, 140),
            "dimension": ["tense"] * 40,
            "score": pl.Series(np.arange(1, 41) / 40, dtype=pl.Float32),
        }
    )
    got = build_content(arm(content=("llm",), control="shuffled"), {"llm": llm}, items, TAXONOMY)
    real = build_content(arm(content=("llm",)), {"llm": llm}, items, TAXONOMY)
    assert sorted(got.matrix[:, 0]) == sorted(real.matrix[:, 0])
    assert (got.matrix[:, 0] == real.matrix[:, 0]).mean() < 0.2


def test_groups_are_left_out_and_an_unknown_group_is_said():
    got = build_content(
        arm(content=("llm",), groups_left_out=("mood",)), {"llm": LLM}, make_items(3), TAXONOMY
    )
    assert got.names == ("llm:space",)
    assert got.matrix.tolist() == [[0], [1], [0]]
    with pytest.raises(ContentUnavailable, match="'smell'"):
        build_content(
            arm(content=("llm",), groups_left_out=("smell",)), {"llm": LLM}, make_items(3), TAXONOMY
        )


@pytest.fixture
def tags(monkeypatch) -> pl.DataFrame:
    monkeypatch.setattr(content_module, "MIN_TAG_ITEMS", 1)
    rng = np.random.default_rng(0)
    names = ["tense", "comedy", "other", "more", "last"]
    return pl.DataFrame(
        {
            "item_id": np.repeat(np.arange(100, 130), 5),
            "tag": names * 30,
            "relevance": rng.random(150),
        }
    )


def test_mapped_tags_are_those_that_the_taxonomy_names(tags):
    mapped = arm(content=("curated",), control="mapped_tags")
    got = build_content(mapped, {"curated": tags}, make_items(30), TAXONOMY)
    assert got.names == ("curated:comedy", "curated:tense")


def test_pca_needs_a_taxonomy_to_be_as_wide_as(tags):
    pca = arm(content=("curated",), control="pca")
    with pytest.raises(ContentUnavailable, match="nothing was scored"):
        build_content(pca, {"curated": tags}, make_items(30), TAXONOMY.head(0))


def test_pca_keeps_the_taxonomys_width_and_the_largest_variances(tags):
    plain = build_content(arm(content=("curated",)), {"curated": tags}, make_items(30), TAXONOMY)
    pca = arm(content=("curated",), control="pca")
    got = build_content(pca, {"curated": tags}, make_items(30), TAXONOMY)
    assert got.matrix.shape == (30, 3)
    expected = np.linalg.svd(plain.matrix - plain.matrix.mean(0))[1][:3]
    assert np.linalg.norm(got.matrix, axis=0) == pytest.approx(expected, rel=1e-4)
