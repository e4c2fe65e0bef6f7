"""What the calls answer; five items (conftest), of which "e" is outside the corpus."""

import pytest

from recfeat_pipeline.serving.service import Filters, NotFound


def ids(lines):
    return [line["item_id"] for line in lines]


def test_an_item_with_its_scores(service):
    found = service.item("a")
    assert (found["title"], found["genres"]) == ("Alien (1979)", ["Horror"])
    assert found["scores"] == {"themes": {"survival": 1.0}, "tone": {"tense": 0.9}}
    with pytest.raises(NotFound, match="no item 'z'"):
        service.item("z")


def test_neighbours_share_dimensions(service):
    [nearest] = service.neighbours("a", 1)
    assert nearest["item_id"] == "b"
    assert nearest["shared"] == ["tense", "survival"]


def test_recommendations_leave_out_the_history_and_name_what_is_unknown(service):
    found = service.recommend(["a", "e", "z"])
    assert ids(found["items"]) == ["d", "b", "c"]  # item_index 3, 2, 1
    assert found["unknown"] == ["e", "z"]
    assert found["arm"] == "llm"
    assert service.recommend(["z"])["items"] == []


def test_reasons_on_request(service):
    [line] = service.recommend(["a"], k=1, explain=True)["items"]
    assert line["reasons"] == [{"feature": "tense", "effect": 0.5}]
    assert line["shared"] == ("tense", "survival"), "Heat is tense, and in it some survive"


def test_what_an_item_shares_with_the_whole_history(service):
    lines = service.recommend(["a", "c"], explain=True)["items"]
    shared = {line["item_id"]: line["shared"] for line in lines}
    assert shared["b"] == ("survival", "tense"), "of .5 and .5 at most, and no love"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(genres=("Action",)), ["d", "b"]),
        (Filters(genres=("action", "ROMANCE")), ["d", "b", "c"]),
        (Filters(not_genres=("Action",)), ["c"]),
        (Filters(first_year=1990), ["d", "c"]),
        (Filters(last_year=1990), ["b"]),
        (Filters(exclude=frozenset({"d", "z"})), ["b", "c"]),
    ],
)
def test_rules_are_kept(service, filters, expected):
    assert ids(service.recommend(["a"], filters=filters)["items"]) == expected


def test_genres_that_no_item_has_are_named(service):
    filters = Filters(genres=("Horror", "Noir"), not_genres=("Sitcom",))
    found = service.recommend(["a"], filters=filters)
    assert (ids(found["items"]), found["unknown_genres"]) == (["b"], ["Noir", "Sitcom"])
    assert service.ask(["survival"], filters=filters)["unknown_genres"] == ["Noir", "Sitcom"]
    assert service.recommend(["z"], filters=filters)["unknown_genres"] == ["Noir", "Sitcom"]
    assert service.about()["genres"] == ["Action", "Horror", "Romance"]


def test_an_arm_that_is_not_there(service):
    with pytest.raises(NotFound, match="No arm 'x' has been trained; there are llm"):
        service.recommend(["a"], arm="x")


def test_words_are_answered_within_the_rules(service):
    found = service.ask(["survival in space"])
    assert ids(found["items"])[:2] == ["a", "b"]
    assert "survival 1.0" in found["items"][0]["reasons"]
    assert "e" not in ids(found["items"]), "nothing is known of it"
    assert ids(service.ask(["survival"], filters=Filters(genres=("Romance",)))["items"]) == ["c"]
    assert service.ask(["what?"])["question"]


def test_words_that_nothing_here_holds_are_answered_with_a_question(service):
    found = service.ask(["hm", "xyzzy"])
    assert found["items"] == []
    assert found["question"]
    assert service.ask(["hm", "survival"])["taste"]["words"] == ("survival",)
