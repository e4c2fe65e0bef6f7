"""Who is sent to the LLM, and what that costs."""

import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.frontier import frontier
from recfeat_pipeline.reranking.routing import Policy, load_policies, quantile

REQUESTS = pl.DataFrame(
    {"history_length": [1, 9, 10, 80], "coverage": [0.2, 0.9, 1.0, None], "n_new": [3, 0, 1, 0]}
)


@pytest.mark.parametrize(
    ("when", "sent"),
    [
        ({}, [True, True, True, True]),
        ({"history_below": 10}, [True, True, False, False]),
        ({"history_from": 10}, [False, False, True, True]),
        ({"history_from": 2, "history_below": 80}, [False, True, True, False]),
        ({"coverage_from": 0.9}, [False, True, True, False]),  # not known is not sent
        ({"new_from": 1, "history_below": 10}, [True, False, False, False]),
        ({"new_below": 1}, [False, True, False, True]),
    ],
)
def test_all_conditions_must_hold(when, sent):
    assert Policy("p", "P", when).sends(REQUESTS).tolist() == sent


def test_the_policies_that_come_along_are_read_and_bracket_the_others():
    policies = {policy.id: policy for policy in load_policies()}
    assert policies["always"].sends(REQUESTS).all()
    assert not policies["never"].sends(REQUESTS).any()
    assert "short_histories" in policies


def test_a_policy_of_the_users_own(tmp_path):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/mine.toml").write_text('title = "Mine"\n[when]\nnew_from = 2\n')
    assert load_policies(str(tmp_path))[-1] == Policy("mine", "Mine", {"new_from": 2})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[when]\nnew_from = 2", "title is missing"),
        ('title = "x"\n[when]\nage = 2', "[when] age is unknown; it takes history_from"),
        ('title = "x"\n[when]\nnew_from = "two"', "new_from = 'two' is no number"),
        ('title = "x"\nwhere = 1', "unknown key 'where'"),
        ("title =", "not TOML"),
    ],
)
def test_a_bad_policy_is_refused_by_name(tmp_path, text, said):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/mine.toml").write_text(text)
    with pytest.raises(RecfeatError, match=r"mine\.toml") as caught:
        load_policies(str(tmp_path))
    assert said in str(caught.value)


def test_waiting_is_a_mixture_with_those_who_do_not_wait():
    waits = np.arange(1.0, 1001)
    assert quantile(waits, 1.0, 0.95) == pytest.approx(np.quantile(waits, 0.95))
    assert quantile(waits, 0.3, 0.5) == 0  # seven in ten wait for nothing
    mixed = np.concatenate([waits, np.zeros(1000)])
    assert quantile(waits, 0.5, 0.95) == pytest.approx(np.quantile(mixed, 0.95), rel=0.01)
    assert quantile(waits, 0.0, 0.95) == 0


def test_the_frontier_is_what_nothing_as_cheap_beats():
    assert frontier([0, 1, 2, 3], [0.0, 0.2, 0.1, 0.3]) == [True, True, False, True]
    assert frontier([0, 0], [0.1, 0.2]) == [False, True]
    assert frontier([0, 1], [0.0, -0.1]) == [True, False]
    assert frontier([0, 1], [0.0, 0.0]) == [True, False]
