import polars as pl

from recfeat_pipeline.catalog.corpus import Corpus
from recfeat_pipeline.catalog.published import N_MOVIES, N_RATINGS
from recfeat_pipeline.defs.catalog.checks import (
    CHECKS,
    EXAMPLES_CHECK,
    check_corpus,
    check_examples,
)
from recfeat_pipeline.models.examples import build_examples
from recfeat_pipeline_tests.unit.models.worlds import make_events


def corpus(splits: list[str], n_ratings: list[int]) -> Corpus:
    n = len(splits)
    return Corpus(
        items=pl.DataFrame({"n_ratings": n_ratings, "in_corpus": [True] * len(n_ratings)}),
        events=pl.DataFrame(
            {
                "user_id": [1] * n,
                "item_index": range(n),
                "timestamp": range(n),
                "split": splits,
                "position": range(n),
            }
        ),
        scored=pl.DataFrame(),
        report={},
    )


def results(built: Corpus, source: str = "embedded"):
    return {result.check_name: result for result in check_corpus(built, source)}


def test_every_check_has_a_result():
    assert set(results(corpus(["train"], [5]))) == {spec.name for spec in CHECKS}


def test_a_target_before_its_history_is_a_leak_that_blocks():
    assert results(corpus(["train", "test"], [5]))["no_leaks"].passed
    leaky = results(corpus(["test", "train"], [5]))["no_leaks"]
    assert not leaky.passed
    assert "1 events" in leaky.metadata["leaks"].value
    assert {spec.name for spec in CHECKS if spec.blocking} == {"no_leaks", "corpus_is_usable"}


def test_an_example_that_leaks_blocks():
    events = make_events([(1, 0, 3.0, 10, "train"), (1, 1, 3.0, 20, "test")])
    examples = build_examples(events)
    assert check_examples(events, examples).passed
    leaky = check_examples(events, examples.with_columns(split=pl.lit("train")))
    assert not leaky.passed
    assert "1 examples have a target of another split" in leaky.metadata["leaks"].value
    assert EXAMPLES_CHECK.blocking


def test_ten_items_and_ten_users_are_needed():
    usable = results(corpus(["train"] * 3, [5] * 12))["corpus_is_usable"]
    assert not usable.passed
    assert usable.metadata["items"].value == 12
    assert usable.metadata["users"].value == 1


def test_published_counts_do_not_apply_to_another_catalogue():
    check = results(corpus(["train"], [5]), source="/no/such/folder")["published_counts"]
    assert check.passed
    assert check.metadata["applies"].value is False


def test_published_counts_are_held_against_movielens_32m_and_its_tags(tmp_path):
    rows = "\n".join(f"{user},1,funny,0" for user in range(1_001))
    (tmp_path / "tags.csv").write_text(f"userId,movieId,tag,timestamp\n{rows}\n")
    n_ratings = [0] * N_MOVIES
    n_ratings[0] = N_RATINGS
    check = results(corpus(["train"], n_ratings), source=str(tmp_path))["published_counts"]
    assert not check.passed
    assert check.metadata["items with more than 200 ratings"].value == 1
    assert check.metadata["user tags applied more than 1,000 times"].value == 1
