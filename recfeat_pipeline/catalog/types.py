"""What reading a catalogue yields, whatever it was read from."""

from dataclasses import dataclass

import polars as pl

SCORED = ("corpus_and_newer", "corpus", "all")
"""Values of ``[scoring] items``: which items get features, whether or not they are evaluated."""


@dataclass(frozen=True)
class CorpusRules:
    """Which items and users take part; the defaults are the published full corpus.

    Items need *more than* ``more_than_item_interactions`` interactions, counted before any user
    is dropped; users need ``min_user_interactions`` to ``max_user_interactions`` inside the corpus.
    ``split`` is one of :data:`~recfeat_pipeline.catalog.splits.SPLITS`, ``split_shares`` the parts
    of train, valid and test where it draws or cuts; ``scored`` is one of :data:`SCORED`.
    """

    more_than_item_interactions: int = 200
    min_user_interactions: int = 20
    max_user_interactions: int = 500
    split: str | None = None  # None: the catalogue's own column, else three_way
    split_shares: tuple[float, ...] = (0.8, 0.1, 0.1)
    scored: str = SCORED[0]
    name: str = "full"


@dataclass(frozen=True)
class Note:
    """Something dropped, repaired or worth knowing, met while reading: counted and shown."""

    kind: str  # a slug: "unknown_items"
    count: int  # rows, items or users, as the message says; 0 for a plain remark
    message: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Catalog:
    """A catalogue as read, before any corpus rule.

    ``items`` has the columns of :data:`~recfeat_pipeline.schemas.ITEMS` known at reading
    (``item_id, title, year, genres, imdb_id, tmdb_id``) in item_id order; ``fields``,
    ``interactions`` and ``tags`` are whole. Ids are ``Int64`` when every id of the kind is an
    integer, else ``String``, the same in every frame.
    """

    name: str
    items: pl.DataFrame
    fields: pl.DataFrame
    interactions: pl.DataFrame
    tags: pl.DataFrame | None
    rules: CorpusRules
    notes: tuple[Note, ...]
    source: str  # path read, or "embedded"
    ids: pl.DataFrame | None = None  # ITEM_IDS
