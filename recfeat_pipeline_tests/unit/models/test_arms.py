import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.arms import _parse, load_arms, resolve_arms


def test_every_file_is_an_arm_with_a_title():
    arms = load_arms()
    assert {"floor", "curated", "llm", "random", "popularity"} <= arms.keys()
    assert all(arm.title and arm.id == key for key, arm in arms.items())


@pytest.mark.parametrize("names", ["floor,llm", "C', B'", "C′,B′", "floor,llm,floor"])
def test_names_and_published_labels(names):
    assert [arm.id for arm in resolve_arms(names)] == ["floor", "llm"]


@pytest.mark.parametrize("names", ["floor,nope", "", ","])
def test_an_unknown_name_lists_the_arms(names):
    with pytest.raises(RecfeatError, match=r"popularity"):
        resolve_arms(names)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"title": "x", "colour": 1}, "'colour'"),
        ({"title": "x", "content": ["genome"]}, "'genome'"),
        ({"title": "x", "pooling": "sum"}, "debiased, uniform"),
        ({}, "title"),
    ],
)
def test_a_bad_file_is_refused_by_name(spec, said):
    with pytest.raises(RecfeatError, match=r"models/arms/mine\.toml") as caught:
        _parse("mine.toml", spec)
    assert said in str(caught.value)
