"""The most discriminative tags become dimensions, those that say the same are merged."""

import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.taxonomy.derive import derive
from recfeat_pipeline.taxonomy.write import new_file, write_taxonomy

N = 400


def long(columns):
    frame = pl.DataFrame({"item_id": np.arange(N), **columns})
    tags = frame.unpivot(index="item_id", variable_name="tag", value_name="relevance")
    return tags.filter(pl.col("relevance") > 0)


@pytest.fixture(scope="module")
def tags():
    """Two families of three tags: A with near copies, B spread less; one rare tag; one constant."""
    rng = np.random.default_rng(0)
    a, b = rng.random((2, N))
    rare = np.zeros(N)
    rare[:4] = 1.0
    return long(
        {
            "Vampires": a,
            "vampire": np.clip(a + rng.normal(0, 0.05, N), 0, 1) * 0.9,
            "undead": np.clip(0.5 * a + 0.5 * rng.random(N), 0, 1),
            "sci-fi": 0.6 * b,
            "space": np.clip(0.3 * b + 0.3 * rng.random(N), 0, 1),
            "rare": rare,
            "constant": np.full(N, 0.9),
        }
    )


def fates(derived):
    return {row["tag"]: (row["dimension"], row["reason"]) for row in derived.fates.to_dicts()}


def test_dimensions_lead_by_their_spread_and_take_what_says_the_same(tags):
    got = derive("films", tags, groups=1, item="film")
    deviation = got.fates["deviation"].to_list()
    assert deviation == sorted(deviation, reverse=True)
    assert fates(got) == {
        "vampires": ("vampires", "its own dimension"),
        "vampire": ("vampires", "says what 'vampires' says"),
        "undead": ("undead", "its own dimension"),
        "sci-fi": ("sci_fi", "its own dimension"),
        "space": ("space", "its own dimension"),
    }
    assert got.taxonomy.dimensions[0].genome_tags == ("vampires", "vampire")
    assert got.taxonomy.dimensions[0].gloss == "people tag it: vampires, vampire"


def test_the_deviation_counts_an_absent_tag_as_zero():
    half = np.where(np.arange(N) % 2, 1.0, 0.0)
    got = derive("x", long({"half": half, "other": np.linspace(0.1, 1, N)}))
    assert got.fates.filter(tag="half")["deviation"][0] == pytest.approx(0.5)


def test_groups_gather_what_goes_together(tags):
    groups = derive("films", tags, groups=2).taxonomy.groups
    assert [[d.name for d in group.dimensions] for group in groups] == [
        ["vampires", "undead"],
        ["sci_fi", "space"],
    ]
    assert [(group.name, group.title) for group in groups] == [
        ("vampires", "vampires, undead"),
        ("sci_fi", "sci-fi, space"),
    ]


def test_no_group_outgrows_its_share():
    rng = np.random.default_rng(1)
    common = rng.random(N)
    crowd = long({f"tag {i}": np.clip(common + rng.random(N), 0.01, 2) / 2 for i in range(60)})
    groups = derive("x", crowd).taxonomy.groups
    assert sum(len(group.dimensions) for group in groups) == 60
    assert max(len(group.dimensions) for group in groups) <= 25


def test_only_the_best_n_tags_are_considered(tags):
    assert fates(derive("x", tags, n=2)).keys() == {"vampires", "vampire"}


def test_hostile_and_foreign_tags_still_make_a_valid_file(tags, tmp_path):
    rng = np.random.default_rng(2)
    odd = ["'; DROP TABLE x; --", "<b>", "ужасы", "日本", "all", "no", "007", "two\nlines",
           "Sci Fi", "é" * 299, "x" * 400]  # fmt: skip
    frame = pl.concat([tags, long({tag: rng.random(N) for tag in odd})])
    got = derive("odd", frame, groups=20)
    write_taxonomy(got.taxonomy, new_file("odd", tmp_path))
    told = fates(got)
    assert told["sci fi"][0] == told["sci-fi"][0] == "sci_fi", "one name for two dimensions"
    assert told["two\nlines"][0] is None
    assert told["x" * 400][0] is None
    assert told["ужасы"][0].startswith("tag_")
    assert "all" not in [group.name for group in got.taxonomy.groups]


def test_without_a_usable_tag_it_says_so(tags):
    with pytest.raises(RecfeatError, match="No curated tag is on 5 items"):
        derive("x", tags.filter(pl.col("tag") == "rare"))
