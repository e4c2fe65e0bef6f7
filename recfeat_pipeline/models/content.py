"""The content slot: one float32 matrix, a row per corpus item, from an arm's feature sources."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.arms import Arm
from recfeat_pipeline.schemas import LEAST_COVERAGE

MIN_TAG_ITEMS = 5
"""A curated tag on fewer corpus items is dropped: it names items rather than describing them."""


class ContentUnavailable(RecfeatError):
    """The arm's content is missing or covers too few items: skip the arm and show the reason."""


@dataclass(frozen=True)
class Content:
    """Features of the corpus items."""

    matrix: np.ndarray  # float32 [N, D]; a row of zeros where an item has none
    names: tuple[str, ...]  # of the D columns, prefixed by their source
    coverage: float  # share of items that have any

    @property
    def width(self) -> int:
        """D; 0 for an arm without content."""
        return self.matrix.shape[1]


def build_content(
    arm: Arm,
    frames: Mapping[str, pl.DataFrame],
    items: pl.DataFrame,
    taxonomy_frame: pl.DataFrame,
    seed: int = 0,
) -> Content:
    """The content matrix of an arm.

    Args:
        arm: says which sources it needs and which control is applied.
        frames: by source: ``llm`` (item_id, dimension, score), ``curated`` (item_id, tag,
            relevance), ``profile`` (item_id, vector). Genres are the items' own.
        items: :data:`~recfeat_pipeline.schemas.ITEMS`; the corpus rows give N and the row order.
        taxonomy_frame: :data:`~recfeat_pipeline.schemas.DIMENSIONS`; gives the column order.
        seed: of the control's draw.

    Raises:
        ContentUnavailable: a source is absent or covers less than LEAST_COVERAGE of the corpus.
    """
    corpus = items.filter("in_corpus").select("item_id", "item_index", "genres").sort("item_index")
    parts = []
    for source in arm.content:
        rows = _genres(corpus) if source == "genres" else frames.get(source)
        if rows is None or rows.is_empty():
            raise ContentUnavailable(f"Arm {arm.id!r} needs {source} features, and there are none.")
        rows = rows.join(corpus.select("item_id", "item_index"), on="item_id")
        part = _BUILDERS[source](rows, corpus.height, taxonomy_frame)
        if part.coverage < LEAST_COVERAGE or part.width == 0:
            raise ContentUnavailable(
                f"Arm {arm.id!r}: {source} features cover {part.coverage:.0%} of the corpus; "
                f"an arm needs {LEAST_COVERAGE:.0%}."
            )
        parts.append(part)
    if not parts:
        return Content(np.zeros((corpus.height, 0), np.float32), (), 0.0)
    matrix = np.concatenate([part.matrix for part in parts], axis=1)
    names = tuple(name for part in parts for name in part.names)
    coverage = min(part.coverage for part in parts)
    return _restrict(arm, Content(matrix, names, coverage), taxonomy_frame, seed)


def _llm(rows: pl.DataFrame, n_items: int, taxonomy_frame: pl.DataFrame) -> Content:
    """Scores in [0, 1] as they are, in taxonomy order."""
    names = taxonomy_frame.sort("position")["dimension"].to_list()
    return _pivot("llm", rows.rename({"dimension": "name", "score": "value"}), n_items, names)


def _curated(rows: pl.DataFrame, n_items: int, taxonomy_frame: pl.DataFrame) -> Content:
    """Tag relevance in [0, 1].

    The genome's relevance is used as it is. Counts of people who applied a tag (any value above 1)
    become log(1 + count) over the item's largest, so that a much-tagged item is not a larger one.
    """
    rows = rows.filter(pl.col("relevance") > 0, pl.len().over("tag") >= MIN_TAG_ITEMS).rename(
        {"tag": "name", "relevance": "value"}
    )
    if rows.height and rows["value"].max() > 1:  # type: ignore[operator]
        logs = pl.col("value").log1p()
        rows = rows.with_columns(logs / logs.max().over("item_id"))
    return _pivot("curated", rows, n_items, rows["name"].unique().sort().to_list())


def _profile(rows: pl.DataFrame, n_items: int, taxonomy_frame: pl.DataFrame) -> Content:
    """Embedded profiles, scaled so that the mean row has unit length."""
    vectors = np.array(rows["vector"].to_list(), np.float32)
    matrix = np.zeros((n_items, vectors.shape[1]), np.float32)
    matrix[rows["item_index"].to_numpy()] = vectors / np.linalg.norm(vectors, axis=1).mean()
    names = tuple(f"profile:{column}" for column in range(vectors.shape[1]))
    return Content(matrix, names, rows["item_id"].n_unique() / n_items)


def _genres(corpus: pl.DataFrame) -> pl.DataFrame:
    """Each item's genres as rows: what most catalogues know anyway."""
    named = corpus.select("item_id", name="genres").explode("name").drop_nulls("name")
    return named.with_columns(value=pl.lit(1.0))


def _one_hot(rows: pl.DataFrame, n_items: int, taxonomy_frame: pl.DataFrame) -> Content:
    return _pivot("genres", rows, n_items, rows["name"].unique().sort().to_list())


_BUILDERS = {"llm": _llm, "curated": _curated, "profile": _profile, "genres": _one_hot}


def _pivot(source: str, rows: pl.DataFrame, n_items: int, names: list[str]) -> Content:
    """Long rows (item_index, name, value) to a matrix whose columns are ``names``."""
    columns = pl.DataFrame({"name": names}, schema={"name": pl.String}).with_row_index("column")
    placed = rows.join(columns, on="name")
    matrix = np.zeros((n_items, len(names)), np.float32)
    matrix[placed["item_index"].to_numpy(), placed["column"].to_numpy()] = placed["value"]
    coverage = placed["item_index"].n_unique() / n_items if n_items else 0.0
    return Content(matrix, tuple(f"{source}:{name}" for name in names), coverage)


def _restrict(arm: Arm, content: Content, taxonomy_frame: pl.DataFrame, seed: int) -> Content:
    """Leave groups out, and apply the arm's control."""
    kept = content.names
    for group in arm.groups_left_out:
        rows = taxonomy_frame.filter(pl.col("group") == group)
        if rows.is_empty():
            raise ContentUnavailable(f"Arm {arm.id!r}: the taxonomy has no group {group!r}.")
        left_out = {f"llm:{dimension}" for dimension in rows["dimension"]}
        kept = tuple(name for name in kept if name not in left_out)
    if arm.control == "mapped_tags":
        mapped = {f"curated:{tag}" for tag in taxonomy_frame["genome_tags"].explode()}
        kept = tuple(name for name in kept if name in mapped)
    if not kept:
        raise ContentUnavailable(f"Arm {arm.id!r}: no feature is left, {len(content.names)} were.")
    wanted = set(kept)
    matrix = content.matrix[:, [name in wanted for name in content.names]]
    if arm.control == "random":
        matrix = _random_like(matrix, seed)
    elif arm.control == "shuffled":
        matrix = np.random.default_rng(seed).permutation(matrix)
    elif arm.control == "pca":
        if taxonomy_frame.is_empty():
            raise ContentUnavailable(
                f"Arm {arm.id!r} is as wide as the scores' taxonomy, and nothing was scored."
            )
        matrix = _principal(matrix, taxonomy_frame.height)
        kept = tuple(f"component {number}" for number in range(matrix.shape[1]))
    return Content(matrix, kept, content.coverage)


def _random_like(matrix: np.ndarray, seed: int) -> np.ndarray:
    """Gaussian noise of the same shape and root mean square: width without meaning."""
    scale = np.sqrt(np.mean(matrix**2))
    noise = np.random.default_rng(seed).standard_normal(matrix.shape, np.float32)
    return (scale * noise).astype(np.float32)


def _principal(matrix: np.ndarray, width: int) -> np.ndarray:
    """The first ``width`` principal components of the columns, largest first."""
    centred = matrix - matrix.mean(0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return np.ascontiguousarray(centred @ vectors[:, ::-1][:, :width], dtype=np.float32)
