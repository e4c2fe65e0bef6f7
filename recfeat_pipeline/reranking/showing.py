"""What a reranker is shown of a request: what the user took before, and a base's candidates."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from recfeat_pipeline.rendering import as_documents

HEADS = {
    "newest": "Taken before, newest first:",
    "shuffled": "Taken before, in no order:",
    "other": "Taken before, newest first:",  # that it is another user's is not said
}
ORDERS = {
    "shuffled": "Candidates, in no order:",
    "base": "Candidates, in another recommender's order, its best first:",
}


@dataclass(frozen=True)
class Showing:
    """How requests are shown."""

    candidates: str = "shuffled"  # one of ORDERS
    history: str = "newest"  # one of HEADS


@dataclass(frozen=True)
class Requests:
    """X requests of users for whom a base has chosen K candidates each; items by index."""

    users: Sequence[int | str]
    histories: Sequence[np.ndarray]  # newest first, cut
    ratings: Sequence[np.ndarray]  # of the histories; NaN where unknown
    shortlists: np.ndarray  # int [X, K], the base's best first

    def __len__(self) -> int:
        return len(self.shortlists)


@dataclass(frozen=True)
class Shown:
    """Requests as a model reads them."""

    documents: pl.DataFrame  # DOCUMENTS columns but ``fields``, one per request
    places: np.ndarray  # int [X, K]: the base's place (from 0) of the candidate with each number


def show(
    requests: Requests,
    names: Sequence[str],
    item_ids: pl.Series,
    showing: Showing,
    places: np.ndarray | None = None,
) -> Shown:
    """The documents of requests.

    An order that is drawn is drawn from the request's own text, so that a request is always shown
    in the same way, and bought once.

    Args:
        requests: who is asked about.
        names: what each item is called, one line each, by index.
        item_ids: by index; a document has that of the newest item.
        showing: the orders.
        places: in which candidates were shown before, as :class:`Shown` has them; None: drawn.
    """
    newest, texts, drawn = [], [], np.empty_like(requests.shortlists)
    for at, shortlist in enumerate(requests.shortlists):
        history, ratings = _history(requests, at, showing)
        candidates = [names[item] for item in shortlist]
        taken = [_taken(names[i], rating) for i, rating in zip(history, ratings, strict=True)]
        dice = random.Random("\n".join([*taken, *candidates]))
        if showing.history == "shuffled":
            dice.shuffle(taken)
        order = list(range(len(shortlist)))
        if places is not None:
            order = places[at].tolist()
        elif showing.candidates == "shuffled":
            dice.shuffle(order)
        drawn[at] = order
        lines = [
            HEADS[showing.history],
            *(f"- {line}" for line in taken),
            ORDERS[showing.candidates],
            *(f"{number}. {candidates[place]}" for number, place in enumerate(order, 1)),
        ]
        texts.append("\n".join(lines))
        newest.append(int(history[0] if len(history) else shortlist[0]))
    return Shown(as_documents(texts, item_ids.gather(newest), "A request"), drawn)


def _history(requests: Requests, at: int, showing: Showing) -> tuple[np.ndarray, np.ndarray]:
    """What is shown as taken; of another user without the candidates, one of which is right."""
    if showing.history != "other":
        return requests.histories[at], requests.ratings[at]
    n = len(requests)
    others = ((at + n // 2 + step) % n for step in range(n))
    other = next((o for o in others if requests.users[o] != requests.users[at]), at)
    kept = ~np.isin(requests.histories[other], requests.shortlists[at])
    return requests.histories[other][kept], requests.ratings[other][kept]


def _taken(name: str, rating: float) -> str:
    return name if np.isnan(rating) else f"{name}, rated {rating:g}"


def titles(items: pl.DataFrame) -> list[str]:
    """``Heat (1995)``: the title, with the year where it lacks one, on one line."""
    title = pl.col("title").str.replace_all(r"\s+", " ").str.strip_chars()
    has_year = title.str.contains(r"\(\d{4}\)$") | pl.col("year").is_null()
    named = pl.when(has_year).then(title).otherwise(pl.format("{} ({})", title, "year"))
    return items.select(named.alias("name"))["name"].to_list()


def features(matrix: np.ndarray, columns: Sequence[str], n: int = 8) -> list[str]:
    """``melancholy, war, epic``: an item's strongest features and nothing that names it.

    Args:
        matrix: float [N, D].
        columns: of the D features, prefixed by their source.
        n: how many are told.
    """
    plain = [name.partition(":")[2].replace("_", " ") for name in columns]
    best = np.argsort(-matrix, axis=1, kind="stable")[:, :n]
    told = [
        ", ".join(plain[column] for column in of_item if matrix[item, column] > 0)
        for item, of_item in enumerate(best)
    ]
    return [text or "nothing is known of it" for text in told]
