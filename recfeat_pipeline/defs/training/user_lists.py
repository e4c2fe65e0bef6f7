"""Tomorrow's lists: what an arm would show each user now, an LLM's order included."""

import duckdb
import numpy as np
import polars as pl

from recfeat_pipeline.defs.resources import Reporter
from recfeat_pipeline.defs.training.inputs import load_inputs
from recfeat_pipeline.defs.training.reordering import order
from recfeat_pipeline.defs.training.reranking import load_reranking
from recfeat_pipeline.defs.training.served import scorer_of
from recfeat_pipeline.defs.training.stored import StoredRun
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.arms import Arm
from recfeat_pipeline.models.candidates import Candidates
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.lists import best_unseen
from recfeat_pipeline.models.now import everybody
from recfeat_pipeline.models.ranks import HeldOut
from recfeat_pipeline.reranking.orders import fused
from recfeat_pipeline.reranking_schemas import USER_LISTS
from recfeat_pipeline.settings import Settings


def list_users(
    lake: Lake,
    store: duckdb.DuckDBPyConnection,
    arm: Arm,
    seed: int,
    length: int,
    n_users: int | None,
    settings: Settings,
    reporter: Reporter,
) -> pl.DataFrame:
    """The best unseen items of each user, after all of the user's events.

    Args:
        lake: holds the arm's run.
        store: the feature store.
        arm: any; of one that reorders, what is beyond its candidates stays as the base has it.
        seed: of the run.
        length: of a list.
        n_users: those who were active last; None: all, each a call where an LLM is asked.
        settings: who is asked, and how hard.
        reporter: is told what it costs, and how it goes.

    Returns:
        :data:`~recfeat_pipeline.reranking_schemas.USER_LISTS`.

    Raises:
        RecfeatError: the arm has no run.
    """
    run = StoredRun(lake, arm, seed)
    made = lake.read_note("made_from", **run.key)
    if made is None:
        raise RecfeatError(f"Arm {arm.id!r} has no run with seed {seed}: `recfeat run` makes one.")
    if not arm.family.reorders:
        inputs = load_inputs(lake, store, arm, seed)
        held = everybody(inputs.data, n_users)
        return _frame(inputs.data, held, best_unseen(scorer_of(run, inputs), held, length))
    of = load_reranking(lake, store, arm, seed, "", settings)
    data, base = of.base.inputs.data, scorer_of(of.base.run, of.base.inputs)
    held = everybody(data, n_users)
    longest = min(max(length, arm.settings.candidates), data.n_items)
    lists = best_unseen(base, held, longest)
    k = min(arm.settings.candidates, longest)
    full = np.flatnonzero((lists[:, :k] >= 0).all(1))
    asked = Candidates.of_lists(held, lists[:, :k]).take(full)
    places, _ = order(of, asked, settings, reporter)
    if weight := made["chosen"].get("fusion_weight"):
        places = fused(places, weight)
    lists[full, :k] = np.take_along_axis(lists[full, :k], places.argsort(1), 1)
    return _frame(data, held, lists[:, :length])


def _frame(data: Data, held: HeldOut, lists: np.ndarray) -> pl.DataFrame:
    n, length = lists.shape
    rows = pl.DataFrame(
        {
            "user_id": held.examples["user_id"].gather(np.repeat(np.arange(n), length)),
            "position": np.tile(np.arange(1, length + 1, dtype=np.int32), n),
            "item_index": lists.ravel(),
        }
    ).filter(pl.col("item_index") >= 0)
    return rows.with_columns(item_id=data.corpus["item_id"].gather(rows["item_index"])).select(
        list(USER_LISTS)
    )
