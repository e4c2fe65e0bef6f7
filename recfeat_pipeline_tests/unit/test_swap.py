"""What was finished serves until its successor is finished, wherever that is killed."""

import itertools
import os

import polars as pl
import pytest

from recfeat_pipeline import schemas, sealed
from recfeat_pipeline.defs.training.judged import judge_runs
from recfeat_pipeline.defs.training.stored import StoredRun
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.migrations import open_lake
from recfeat_pipeline.models.arms import load_arms
from recfeat_pipeline.swap import keep_checkpoints, take, unfinished

RUN = {"arm": "llm", "seed": "0"}


@pytest.fixture(params=["local", "memory"])
def lake(request, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    if request.param == "local":
        return Lake(tmp_path / "lake")
    return Lake(f"memory://swap-{tmp_path.name}-{os.getpid()}")


def stored(lake):
    return StoredRun(lake, load_arms()["llm"], 0)


def leave(lake, rank, fingerprint, *tables):
    """What a training of these inputs leaves, the fingerprint last."""
    ranks = pl.DataFrame([(0, 1, 1, 5, rank, rank)], schema=schemas.RANKS, orient="row")
    lake.write("ranks", ranks, **RUN)
    lake.write("runs", pl.DataFrame([{}], schema=schemas.RUNS), **RUN)
    vectors = pl.DataFrame({"item_id": [1], "vector": [[float(rank)]]}, schema=schemas.ITEM_VECTORS)
    if "item_vectors" in tables:
        lake.write("item_vectors", vectors, **RUN)
    folder = stored(lake).checkpoints
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "best.pt").write_text(fingerprint)
    (folder / f"{fingerprint}.pt").touch()
    keep_checkpoints(lake, **RUN)
    lake.write_note("made_from", {"fingerprint": fingerprint}, **RUN)


def serves(lake):
    """The rank, the vectors' presence, the fingerprint and the checkpoint that readers find."""
    run = stored(lake)
    return (
        lake.read("ranks", **RUN)["rank"].to_list(),
        lake.has("item_vectors", **RUN),
        (lake.read_note("made_from", **RUN) or {}).get("fingerprint"),
        (run.model / "best.pt").read_text(),
        sorted(path.name for path in run.model.iterdir()),
    )


OLD = ([7], True, "old", "old", ["best.pt", "old.pt"])
NEW = ([3], False, "new", "new", ["best.pt", "new.pt"])


def test_the_old_run_serves_until_the_new_one_is_whole(lake):
    leave(lake, 7, "old", "item_vectors")
    lake.write_note("skipped", {"reason": "once"}, **RUN)
    new = stored(lake).begin("new")
    assert serves(lake) == OLD
    assert not stored(lake).is_current("new")
    open_lake(lake.root)  # somebody looks in meanwhile
    stored(lake).take()  # too early
    assert serves(lake) == OLD
    leave(new.lake, 3, "new")
    assert serves(lake) == OLD
    stored(lake).take()
    assert serves(lake) == NEW
    assert lake.read_note("skipped", **RUN) is None
    assert unfinished(lake).note_keys("made_from") == []


def test_a_cold_start_run_stays_if_it_is_of_the_same_inputs(lake):
    ranks = pl.DataFrame([(0, 1, 1, 0, 4, 2)], schema=schemas.COLD_RANKS, orient="row")
    for fingerprint, kept in (("new", True), ("old", False)):
        leave(lake, 7, "old")
        stored(lake).save_cold(ranks, fingerprint)
        leave(stored(lake).begin("new").lake, 3, "new")
        stored(lake).take()
        assert lake.has("cold_ranks", **RUN) == kept


def test_a_swap_that_is_killed_anywhere_is_finished_by_whoever_opens_the_lake(
    tmp_path, monkeypatch
):
    for step in itertools.count():
        lake = Lake(tmp_path / str(step))
        leave(lake, 7, "old", "item_vectors")
        lake.write_note("skipped", {"reason": "once"}, **RUN)
        leave(stored(lake).begin("new").lake, 3, "new")
        calls = itertools.count()

        def dying(method, calls=calls, step=step):
            def wrapped(*arguments):
                if next(calls) == step:
                    raise KeyboardInterrupt
                return method(*arguments)

            return wrapped

        with monkeypatch.context() as patched:
            for name in ("write_bytes", "delete", "move"):
                patched.setattr(Lake, name, dying(getattr(Lake, name)))
            try:
                take(lake, **RUN)
            except KeyboardInterrupt:
                pass
            else:
                break
        assert lake.read("ranks", **RUN)["rank"].item() in (7, 3), "no run served"
        assert serves(open_lake(lake.root)) == NEW, f"killed at step {step}"
        assert serves(open_lake(lake.root)) == NEW
    assert step > 5


def test_checkpoints_of_other_inputs_are_dropped_and_of_the_same_continued(lake):
    for fingerprint, found in (("a", False), ("a", True), ("b", False), ("a", False)):
        new = stored(lake).begin(fingerprint)
        last = new.checkpoints / "last.ckpt"
        assert last.exists() == found
        new.checkpoints.mkdir(parents=True, exist_ok=True)
        last.touch()


def test_cold_checkpoints_of_other_inputs_are_dropped_and_of_the_same_continued(lake):
    for fingerprint, found in (("a", False), ("a", True), ("b", False), ("a", False)):
        folder = stored(lake).begin_cold(fingerprint)
        assert (folder / "last.ckpt").exists() == found
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "last.ckpt").touch()


def test_a_run_whose_checkpoint_is_damaged_is_made_again(lake):
    leave(lake, 7, "old")
    path = stored(lake).model / "best.pt"
    path.write_bytes(sealed.wrap(b"weights"))
    assert stored(lake).is_current("old")
    path.write_bytes(sealed.wrap(b"weights").replace(b"weights", b"weighty"))
    assert not stored(lake).is_current("old")
    path.unlink()
    assert stored(lake).is_current("old"), "the lake may be another machine's"


@pytest.mark.parametrize("table", ["runs", "ranks"])
def test_a_run_whose_table_is_gone_is_made_again(lake, table):
    leave(lake, 7, "old")
    (stored(lake).model / "best.pt").write_bytes(sealed.wrap(b"weights"))
    assert stored(lake).is_current("old")
    lake.drop(table, **RUN)
    assert not stored(lake).is_current("old")
    [run] = judge_runs(lake, None)
    assert run.state == "interrupted"
