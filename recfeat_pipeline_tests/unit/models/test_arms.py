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


def test_a_family_names_all_of_its_arms():
    controls = resolve_arms("control, floor")
    assert {arm.family for arm in controls[:-1]} == {"control"}
    assert len(controls) > 4
    assert controls[-1].id == "floor"


def test_every_arm_but_the_weakest_says_what_it_is_held_against():
    alone = {arm.id for arm in load_arms().values() if not arm.against}
    assert alone == {"popularity", "recent_popularity"}


def test_luck_is_training_factorising_or_drawn_features():
    arms = load_arms()
    assert all(arms[name].has_luck for name in ("floor", "sasrec", "ials", "ease_random"))
    assert not any(arms[name].has_luck for name in ("popularity", "ease", "ease_llm", "markov"))


@pytest.mark.parametrize("names", ["floor,nope", "", ","])
def test_an_unknown_name_says_where_the_arms_are_listed(names):
    with pytest.raises(RecfeatError, match=r"`recfeat arms` lists"):
        resolve_arms(names)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"title": "x", "colour": 1}, "'colour'"),
        ({"title": "x", "family": "base", "content": ["genome"]}, "'genome'"),
        ({"title": "x", "family": "base", "weights": "sum"}, "debiased_future, uniform"),
        ({"title": "x"}, "family is missing"),
        ({"family": "base"}, "title is missing"),
    ],
)
def test_a_bad_file_is_refused_by_name(spec, said):
    with pytest.raises(RecfeatError, match=r"models/arms/mine\.toml") as caught:
        _parse("mine.toml", spec)
    assert said in str(caught.value)
