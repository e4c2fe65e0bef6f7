"""Another program's recommender on our examples: its ranks, its top-k lists, or its vectors.

Whatever it gives, the examples, the candidates, the masks and the rule for ties are ours, so that
its ranks can stand beside those of any arm. A list is scores: its items above all others, which
tie. So a target outside the list gets the mean rank of the rest, rounded up.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from torch import Tensor

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.ranks import HeldOut, rank_examples, rank_scores
from recfeat_pipeline.schemas import RANKS


@dataclass(frozen=True)
class ToRank:
    """The examples that count, and the candidates."""

    held: HeldOut
    examples: pl.DataFrame  # EXAMPLES of the reported split, with ``target_item_id``
    items: pl.Series  # item_id by item_index

    @classmethod
    def of(
        cls, events: pl.DataFrame, examples: pl.DataFrame, items: pl.DataFrame, split: str
    ) -> "ToRank":
        """From EVENTS, EXAMPLES, ITEMS and the split that is reported."""
        corpus = items.filter("in_corpus").sort("item_index")["item_id"]
        chosen = examples.filter(pl.col("split") == split)
        chosen = chosen.with_columns(target_item_id=corpus.gather(chosen["target_index"]))
        return cls(HeldOut.of(events, chosen), chosen, corpus)

    def digest(self) -> str:
        """What a file of examples is recognised by."""
        return digest(self.examples)

    def frame(self, rank: np.ndarray, rank_with_seen: np.ndarray | None) -> pl.DataFrame:
        """Ranks in the examples' order as a RANKS frame."""
        with_seen = [None] * len(rank) if rank_with_seen is None else rank_with_seen
        return self.examples.with_columns(
            pl.Series("rank", rank, dtype=pl.Int32),
            pl.Series("rank_with_seen", with_seen, dtype=pl.Int32),
        ).select(list(RANKS))


def digest(examples: pl.DataFrame) -> str:
    """A short hash of who is asked about what: ``example_id, user_id, target_item_id``."""
    asked = examples.select("example_id", "user_id", "target_item_id").sort("example_id")
    return hashlib.sha256(asked.write_csv().encode()).hexdigest()[:12]


def with_histories(events: pl.DataFrame, examples: pl.DataFrame, items: pl.Series) -> pl.DataFrame:
    """Examples as another program can read them.

    Args:
        events: EVENTS.
        examples: EXAMPLES of any splits.
        items: item_id by item_index.

    Returns:
        ``example_id, user_id, split, history, history_ratings, history_times, target_item_id,
        time``. A history is everything before the target, oldest first, which is also what is no
        candidate; times are Unix seconds, null where unknown.
    """
    own = (
        events.with_columns(item_id=items.gather(events["item_index"]))
        .group_by("user_id", maintain_order=True)
        .agg(history="item_id", history_ratings="rating", history_times="timestamp")
    )
    lists = ("history", "history_ratings", "history_times")
    return (
        examples.with_columns(
            target_item_id=items.gather(examples["target_index"]),
            time=events["timestamp"].gather(examples["event_row"]),
        )
        .join(own, on="user_id", maintain_order="left")
        .with_columns(pl.col(name).list.head("history_length") for name in lists)
        .select("example_id", "user_id", "split", *lists, "target_item_id", "time")
    )


def from_ranks(given: pl.DataFrame, asked: ToRank) -> pl.DataFrame:
    """RANKS from ``example_id, rank``, and ``rank_with_seen`` if there is one.

    Raises:
        RecfeatError: an example has no rank or two, or a rank that cannot be.
    """
    _known(given, asked)
    _are_numbers(given, "rank")
    if given["example_id"].is_duplicated().any():
        twice = given.filter(given["example_id"].is_duplicated())["example_id"][0]
        raise RecfeatError(f"Example {twice} has several ranks; give each example one.")
    given = asked.examples.select("example_id").join(
        given, on="example_id", how="left", maintain_order="left"
    )
    missing = given.filter(pl.col("rank").is_null())["example_id"]
    if len(missing):
        raise RecfeatError(
            f"{len(missing):,} of {given.height:,} examples have no rank, example {missing[0]} "
            "first; give each example one."
        )
    rank = given["rank"].to_numpy()
    seen = _n_seen(asked)
    wrong = (rank < 1) | (rank > len(asked.items) - seen) | (rank != np.floor(rank))
    if wrong.any():
        at = int(wrong.argmax())
        raise RecfeatError(
            f"Example {given['example_id'][at]} has rank {rank[at]:g}; a rank is a whole number "
            f"from 1 to {len(asked.items) - seen[at]:,}, for there are {len(asked.items):,} items "
            "and what the user has seen is no candidate."
        )
    with_seen = given["rank_with_seen"].to_numpy() if "rank_with_seen" in given.columns else None
    return asked.frame(rank, with_seen)


def from_lists(given: pl.DataFrame, asked: ToRank) -> tuple[pl.DataFrame, list[str]]:
    """RANKS from top-k lists.

    Args:
        given: ``example_id, item_id`` in the order of each list; ``score`` (higher is better) or
            ``position`` (1 is best) wins over that order.
        asked: the examples.

    Returns:
        RANKS, without ``rank_with_seen``; and what was left out or filled in, in sentences.

    Raises:
        RecfeatError: an example is not among those asked, or a place in a list is no number.
    """
    _known(given, asked)
    if "score" not in given.columns:
        place = pl.col("position") if "position" in given.columns else pl.int_range(pl.len())
        _are_numbers(given, *{"position"} & set(given.columns))
        given = given.with_columns(score=-place.cast(pl.Float64))
    _are_numbers(given, "score", finite=True)
    whole = given.height
    placed = given.unique(["example_id", "item_id"], keep="first", maintain_order=True).join(
        pl.DataFrame({"item_id": asked.items}).with_row_index("index"), on="item_id"
    )
    rows = asked.examples.select("example_id").with_row_index("row")
    placed = placed.join(rows, on="example_id").sort("row")
    row, index = (placed[name].to_numpy().astype(np.int64) for name in ("row", "index"))
    score = torch.from_numpy(placed["score"].cast(pl.Float64).to_numpy().copy())
    least = float(score.min()) - 1 if len(score) else 0.0
    n_items = len(asked.items)

    def block(start: int, stop: int) -> Tensor:
        part = slice(*np.searchsorted(row, [start, stop]))
        scores = torch.full((stop - start, n_items), least, dtype=torch.float64)
        scores[torch.from_numpy(row[part] - start), torch.from_numpy(index[part])] = score[part]
        return scores

    rank, _ = rank_scores(block, asked.held.targets, asked.held.seen)
    empty = asked.examples.height - placed["row"].n_unique()
    said = _said(whole - placed.height, "entries that name no item of the corpus, or one again")
    said += _said(empty, "examples without a list: their target has the mean rank of all")
    return asked.frame(rank, None), said


def from_vectors(
    users: pl.DataFrame, items: pl.DataFrame, asked: ToRank
) -> tuple[pl.DataFrame, list[str]]:
    """RANKS by dot product.

    Args:
        users: ``example_id`` or ``user_id``, and ``vector`` (or a numeric column per dimension).
        items: ``item_id``, and the same.
        asked: the examples.

    Returns:
        RANKS, and what was left out or filled in. An item without a vector is behind all others; a
        user without one ties all items.

    Raises:
        RecfeatError: the vectors do not fit together, or none fits the examples.
    """
    by = "example_id" if "example_id" in users.columns else "user_id"
    wide, no_user = _rows(users, by, asked.examples[by])
    tall, no_item = _rows(items, "item_id", asked.items)
    if wide.shape[1] != tall.shape[1]:
        raise RecfeatError(
            f"The users' vectors have {wide.shape[1]} dimensions and the items' {tall.shape[1]}; "
            "both come from one model."
        )
    if no_user.all() or no_item.all():
        raise RecfeatError(
            f"No {by if no_user.all() else 'item_id'} of the vectors is among the examples: were "
            "they made for another catalogue?"
        )
    absent = torch.from_numpy(no_item)
    user_vectors, item_vectors = torch.from_numpy(wide), torch.from_numpy(tall)
    if absent.any():  # one more dimension, in which they are far behind
        far = 2 * float(user_vectors.norm(dim=1).max() * item_vectors.norm(dim=1).max()) + 1
        user_vectors = torch.cat([user_vectors, torch.ones(len(wide), 1)], 1)
        item_vectors = torch.cat([item_vectors, -far * absent[:, None].float()], 1)
    ranks = rank_examples(user_vectors, item_vectors, asked.held.targets, asked.held.seen)
    said = _said(int(no_user.sum()), "examples whose user has no vector: every item ties")
    said += _said(int(no_item.sum()), "items without a vector, behind all others")
    return asked.frame(*ranks), said


def _rows(frame: pl.DataFrame, by: str, keys: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """Vectors float32 [len(keys), W] in the order of the keys, and which are missing."""
    if by not in frame.columns:
        raise RecfeatError(
            f"Vectors by {by} are looked for among the columns {', '.join(frame.columns)}: give "
            f"{by}, and vector or a column per dimension."
        )
    if "vector" not in frame.columns:
        numbers = [name for name in frame.columns if name != by]
        if not numbers:
            raise RecfeatError(f"Beside {by} there is no column: give vector or one per dimension.")
        _are_numbers(frame, *numbers)
        frame = frame.select(by, vector=pl.concat_list(pl.col(numbers).cast(pl.Float32)))
    elif not isinstance(frame.schema["vector"], pl.List | pl.Array):
        raise RecfeatError(
            f"The vectors by {by} are {frame.schema['vector']}: give lists of numbers (Parquet), "
            "or a column per dimension."
        )
    given = frame.unique(by, keep="first", maintain_order=True)
    widths = given["vector"].list.len().unique()
    if len(widths) != 1:
        raise RecfeatError(f"The vectors by {by} differ in length ({sorted(widths)[:3]}…).")
    values = np.array(given["vector"].to_list(), dtype=np.float32).reshape(given.height, -1)
    if not np.isfinite(values).all():
        raise RecfeatError(f"A vector by {by} holds a number that is not finite.")
    places = pl.DataFrame({by: keys}).join(
        given.select(by).with_row_index("at"), on=by, how="left", maintain_order="left"
    )["at"]
    missing = places.is_null().to_numpy()
    found = values[places.fill_null(0).to_numpy()]
    found[missing] = 0.0
    return found, missing


def _are_numbers(frame: pl.DataFrame, *names: str, finite: bool = False) -> None:
    """Refuse columns of another type; ``finite``: and missing or infinite values."""
    for name in names:
        if not frame.schema[name].is_numeric():
            raise RecfeatError(f"The column {name} holds {frame.schema[name]}, not numbers.")
        if finite and not frame[name].is_finite().fill_null(False).all():
            raise RecfeatError(f"The column {name} holds a number that is missing or not finite.")


def _known(given: pl.DataFrame, asked: ToRank) -> None:
    strange = given.join(asked.examples, on="example_id", how="anti")["example_id"]
    if len(strange):
        raise RecfeatError(
            f"Example {strange[0]} is none of the {asked.examples.height:,} that are ranked; "
            "`recfeat export examples` writes those, marked by their split."
        )


def _n_seen(asked: ToRank) -> np.ndarray:
    """How many items of each example are no candidates, int64 [X]."""
    n = len(asked.held.targets)
    rows, _ = asked.held.seen.block(0, n, asked.held.targets)
    return np.bincount(rows.numpy(), minlength=n)


def _said(count: int, what: str) -> list[str]:
    return [f"{count:,} {what}."] if count else []
