"""``recfeat export examples`` and ``recfeat rank import``: there and back again."""

import polars as pl
import pytest

from recfeat_pipeline.cli import run_app
from recfeat_pipeline.defs.evaluation.declared import all_arms, declared_pairs, deterministic_arms
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.examples import build_examples
from recfeat_pipeline_tests.unit.models.worlds import checkerboard, make_items


@pytest.fixture
def lake(tmp_path, monkeypatch):
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path / "lake"))
    monkeypatch.chdir(tmp_path)
    lake = Lake(str(tmp_path / "lake"))
    lake.open()
    fill(lake)
    return lake


def fill(lake: Lake, seed: int = 0) -> None:
    events = checkerboard(seed=seed)
    tables = {"events": events, "examples": build_examples(events), "items": make_items(20)}
    for name, frame in tables.items():
        lake.write(name, frame)
    lake.write_note("corpus", {"split": "three_way"})


def popular(interactions: str, examples: str, k: int = 5) -> pl.DataFrame:
    """Another program: what is taken most in training, less what the user has seen."""
    train = pl.read_parquet(interactions).filter(split="train")
    order = train.group_by("item_id").len().sort("len", "item_id", descending=True)["item_id"]
    rows = pl.read_parquet(examples).filter(split="test").select("example_id", "history")
    lists = [[i for i in order if i not in set(seen)][:k] for seen in rows["history"].to_list()]
    return rows.select("example_id", item_id=pl.Series(lists))


def test_a_recommender_from_outside_becomes_an_arm(lake, capsys):
    assert run_app(["export", "examples"]) == 0
    assert run_app(["export", "interactions", "events.parquet"]) == 0
    popular("events.parquet", "examples.parquet").write_parquet("top.parquet")
    base = ["rank", "import", "top.parquet", "--examples", "examples.parquet"]
    assert run_app([*base, "--arm", "theirs", "--role", "floor", "--deterministic"]) == 0
    assert run_app([*base, "--arm", "theirs_llm", "--role", "content", "--content", "llm",
                    "--against", "theirs,floor", "--seed", "3"]) == 0  # fmt: skip
    assert "theirs_llm, seed 3: 84 examples ranked, MRR" in capsys.readouterr().out
    runs = lake.read("ranks").group_by("arm", "seed").len().sort("arm")
    assert runs.rows() == [("theirs", "0", 84), ("theirs_llm", "3", 84)]
    [arm] = all_arms(lake).filter(arm="theirs_llm").to_dicts()
    assert (arm["title"], arm["content"], arm["role"]) == ("theirs llm", "llm", "content")
    assert {("theirs_llm", "theirs"), ("theirs_llm", "floor")} <= set(declared_pairs(lake))
    assert "theirs" in deterministic_arms(lake)
    assert "theirs_llm" not in deterministic_arms(lake)
    note = lake.read_note("imported", arm="theirs")
    note["has_luck"] = note.pop("is_stochastic")
    lake.write_note("imported", note, arm="theirs")
    assert "theirs" in deterministic_arms(lake), "as an older release wrote it"


def test_ranks_of_another_catalogue_are_refused_in_a_sentence(lake, capsys):
    assert run_app(["export", "examples"]) == 0
    assert run_app(["export", "interactions", "events.parquet"]) == 0
    popular("events.parquet", "examples.parquet").write_parquet("top.parquet")
    fill(lake, seed=1)
    command = ["rank", "import", "top.parquet", "--examples", "examples.parquet", "--arm", "theirs"]
    assert run_app(command) == 1
    [sentence] = capsys.readouterr().err.splitlines()
    assert "examples.parquet holds other examples (84, " in sentence
    assert "Export the examples again" in sentence
    assert not lake.has("ranks")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"--arm": "floor"}, "'floor' is an arm of its own file"),
        ({"--arm": "a/b"}, "use letters, digits, '-' and '_'"),
        ({"--role": "best"}, "choose floor, content, control, baseline"),
        ({"--against": "nobody"}, "--against 'nobody': no such arm"),
        ({"--examples": "top.csv"}, "top.csv lacks split"),
        ({"--item-vectors": "none.parquet"}, "none.parquet cannot be read"),
    ],
)
def test_what_cannot_be_imported_is_one_sentence(lake, capsys, change, sentence):
    assert run_app(["export", "examples"]) == 0
    frame = pl.read_parquet("examples.parquet").filter(split="test")
    frame.select("example_id", "user_id", "target_item_id", nothing=1).write_csv("top.csv")
    options = {"--examples": "examples.parquet", "--arm": "mine", **change}
    capsys.readouterr()
    assert run_app(["rank", "import", "top.csv", *(w for o in options.items() for w in o)]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert sentence in line


def test_a_file_that_holds_none_of_the_three_is_told_which_there_are(lake, capsys):
    assert run_app(["export", "examples"]) == 0
    pl.DataFrame({"example_id": [1], "score": [0.5]}).write_csv("mine.csv")
    capsys.readouterr()
    assert run_app(["rank", "import", "mine.csv", "--examples", "examples.parquet",
                    "--arm", "mine"]) == 1  # fmt: skip
    assert "mine.csv has the columns example_id, score: give" in capsys.readouterr().err


def test_examples_are_no_csv(lake, capsys):
    assert run_app(["export", "examples", "examples.csv"]) == 1
    assert "A CSV file holds no lists" in capsys.readouterr().err
