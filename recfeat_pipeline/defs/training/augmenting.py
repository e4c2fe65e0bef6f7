"""Pairs that an arm learns from besides the events: what an order makes of a user's candidates.

As LLMRec augments implicit feedback (Wei et al., 2024): of a base's best candidates for a training
user an LLM names what the user would like and what not. Here an arm that reorders is asked, so
that its controls are those of the augmentation too. Training events alone are shown.
"""

import numpy as np
import polars as pl

from recfeat_pipeline.catalog.hashing import hash_pairs
from recfeat_pipeline.defs.resources import Reporter
from recfeat_pipeline.defs.training.reordering import order
from recfeat_pipeline.defs.training.reranking import Reranking, Unasked
from recfeat_pipeline.defs.training.served import scorer_of
from recfeat_pipeline.models.candidates import Candidates
from recfeat_pipeline.models.lists import best_unseen
from recfeat_pipeline.models.now import training_users
from recfeat_pipeline.models.ranks import HeldOut
from recfeat_pipeline.reranking_schemas import AUGMENTED_PAIRS
from recfeat_pipeline.settings import Settings


def augment(of: Reranking, settings: Settings, reporter: Reporter) -> pl.DataFrame:
    """Write the pairs of an arm that reorders, unless they are what would be made.

    Args:
        of: the arm; as many training users are drawn as requests are bought of it.
        settings: who is asked, and how hard.
        reporter: is told what it costs, and how it goes.

    Returns:
        :data:`~recfeat_pipeline.reranking_schemas.AUGMENTED_PAIRS`.

    Raises:
        Unasked: nobody can be asked, or no training user has a full list of candidates.
    """
    lake, key = of.run.lake, of.run.key
    note = lake.read_note("pairs_from", **key) or {}
    made = note.get("fingerprint") == of.made_from and lake.has("augmented_pairs", **key)
    if made and not of.asks_again(settings):
        return lake.read("augmented_pairs", **key).select(list(AUGMENTED_PAIRS))
    frame = _ask(of, settings, reporter)
    lake.write("augmented_pairs", frame, **key)
    about = {"fingerprint": of.made_from, "model": of.model, "n": of.n}
    about["asked_with"] = of.version.key if of.version else None
    lake.write_note("pairs_from", about, **key)
    return frame


def _ask(of: Reranking, settings: Settings, reporter: Reporter) -> pl.DataFrame:
    data = of.base.inputs.data
    held = _drawn(training_users(data), of.n)
    k = min(of.arm.settings.candidates, data.n_items)
    lists = best_unseen(scorer_of(of.base.run, of.base.inputs), held, k)
    full = np.flatnonzero((lists >= 0).all(1))
    if not len(full):
        raise Unasked(
            f"No training user has {k} candidates that are unseen: set fewer `candidates` in the "
            f"file of {of.arm.id!r}."
        )
    asked = Candidates.of_lists(held, lists).take(full)
    places, answers = order(of, asked, settings, reporter)
    rows = np.arange(len(full))
    ids = data.corpus["item_id"]
    frame = pl.DataFrame(
        {
            "user_id": asked.held.examples["user_id"],
            "preferred_item_id": ids.gather(asked.lists[rows, places.argmin(1)]),
            "passed_item_id": ids.gather(asked.lists[rows, places.argmax(1)]),
        }
    )
    if answers is None:
        return frame
    return frame.filter(answers["picks"].is_not_null())  # the others are the base's order


def _drawn(held: HeldOut, n: int) -> HeldOut:
    """So many of the requests; a larger number holds those of a smaller one."""
    users = held.examples["user_id"]
    rows = np.sort(np.argsort(hash_pairs(users, users, seed=0), kind="stable")[:n])
    return HeldOut.of(held.events, held.examples[rows])
