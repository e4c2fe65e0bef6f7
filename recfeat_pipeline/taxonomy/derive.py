"""A taxonomy derived from a curated tag matrix: a draft to edit, with the fate of every tag.

As in the published study (section 3): the most discriminative tags, by the standard deviation of
their relevance across items, each become a dimension, join one that says the same, or are dropped
with a reason.
"""

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.taxonomy.read import ALL, LONGEST
from recfeat_pipeline.taxonomy.taxonomy import Dimension, Group, Taxonomy

MIN_ITEMS = 5  # a tag on fewer items names them rather than describing them
SAME = 0.8  # tags that correlate as much say the same
GROUP_SIZE = 25  # dimensions asked in one call; late ones of long lists drift to 0.5


@dataclass(frozen=True)
class Derived:
    """A taxonomy and what became of each tag that was considered."""

    taxonomy: Taxonomy
    fates: pl.DataFrame  # tag, deviation, n_items, dimension (null: dropped), reason


def derive(
    name: str, tags: pl.DataFrame, n: int = 150, groups: int | None = None, item: str = "item"
) -> Derived:
    """Make a taxonomy of the ``n`` most discriminative tags.

    Args:
        name: of the taxonomy.
        tags: :data:`~recfeat_pipeline.schemas.TAGS`; an absent tag of a tagged item counts as 0,
            counts (any relevance above 1) enter as log(1 + count).
        n: tags considered.
        groups: about how many groups; None: one for every 25 dimensions.
        item: what is scored, in a word.

    Raises:
        RecfeatError: no tag is on enough items.
    """
    value = pl.col("relevance").cast(pl.Float64)
    if (tags["relevance"].max() or 0) > 1:  # type: ignore[operator]
        value = value.log1p()
    plain = pl.col("tag").str.strip_chars().str.to_lowercase()
    tags = tags.with_columns(tag=plain).group_by("item_id", "tag").agg(value.max())
    considered = _spread(tags).head(n)
    if considered.is_empty():
        raise RecfeatError(
            f"No curated tag is on {MIN_ITEMS} items or more, so none can become a dimension; "
            "`recfeat check` shows what tags the catalogue has."
        )
    names = considered["tag"].to_list()
    r = _correlations(tags, names)
    leaders, fates = _merge(names, r)
    members = [[tag for tag, leader in zip(names, fates, strict=True) if leader == own]
               for own in leaders]  # fmt: skip
    dimensions = [
        Dimension(_slug(tags[0], names.index(tags[0])), _gloss(tags), tuple(tags))
        for tags in members
    ]
    rows = [names.index(leader) for leader in leaders]
    wanted = groups or -(-len(leaders) // GROUP_SIZE)
    clusters = _cluster(r[np.ix_(rows, rows)], wanted)
    taxonomy = Taxonomy(name, tuple(_group([dimensions[i] for i in own]) for own in clusters), item)
    dimension_of = {tag: d.name for d in dimensions for tag in d.genome_tags}
    told = considered.with_columns(
        dimension=pl.Series([dimension_of.get(tag) for tag in names], dtype=pl.String),
        reason=pl.Series([_reason(tag, leader) for tag, leader in zip(names, fates, strict=True)]),
    )
    return Derived(taxonomy, told)


def _spread(tags: pl.DataFrame) -> pl.DataFrame:
    """``tag, deviation, n_items`` of the tags on enough items, the most discriminative first."""
    n_items = tags["item_id"].n_unique()
    mean, square = pl.col("relevance").sum() / n_items, pl.col("relevance").pow(2).sum() / n_items
    return (
        tags.filter(pl.col("relevance") > 0)
        .group_by("tag")
        .agg(deviation=(square - mean**2).clip(0).sqrt(), n_items=pl.len())
        .filter(pl.col("n_items") >= MIN_ITEMS, pl.col("deviation") > 0)
        .sort("deviation", "tag", descending=[True, False])
    )


def _correlations(tags: pl.DataFrame, names: list[str]) -> np.ndarray:
    """Correlations of the tags over the items, [n, n]."""
    items = tags["item_id"].unique(maintain_order=True)
    placed = tags.select(
        "relevance",
        row=pl.col("item_id").replace_strict(items, pl.int_range(len(items), eager=True)),
        column=pl.col("tag").replace_strict(names, range(len(names)), default=None),
    ).drop_nulls("column")
    matrix = np.zeros((len(items), len(names)), np.float32)
    matrix[placed["row"].to_numpy(), placed["column"].to_numpy()] = placed["relevance"].to_numpy()
    matrix -= matrix.mean(0)
    matrix /= np.linalg.norm(matrix, axis=0)
    return matrix.T @ matrix


def _merge(names: list[str], r: np.ndarray) -> tuple[list[str], list[str | None]]:
    """The tags that lead a dimension, and each tag's leader: itself, another, or None (dropped)."""
    leaders: list[int] = []
    slugs: dict[str, int] = {}
    found: list[str | None] = []
    for rank, tag in enumerate(names):
        if not tag.isprintable() or len(tag) > LONGEST:
            found.append(None)
            continue
        near = leaders[int(r[rank, leaders].argmax())] if leaders else rank
        if r[rank, near] < SAME or near == rank:
            near = slugs.setdefault(_slug(tag, rank), rank)
        if near == rank:
            leaders.append(rank)
        found.append(names[near])
    return [names[rank] for rank in leaders], found


def _cluster(r: np.ndarray, wanted: int) -> list[list[int]]:
    """Agglomeration by average correlation, no cluster above its share of the dimensions.

    Returns:
        Members of each cluster, in their own order; at least ``wanted`` clusters where there are as
        many dimensions.
    """
    n = len(r)
    most = max(-(-5 * n // (4 * wanted)), 1)
    clusters = [[i] for i in range(n)]
    total = r.astype(np.float64)  # summed correlation of each pair of clusters
    np.fill_diagonal(total, -np.inf)
    while len(clusters) > wanted:
        sizes = np.array([len(cluster) for cluster in clusters])
        mean = total / np.outer(sizes, sizes)
        mean[sizes[:, None] + sizes[None] > most] = -np.inf
        a, b = sorted(divmod(int(mean.argmax()), len(clusters)))
        if mean[a, b] == -np.inf:
            break
        clusters[a] = sorted(clusters[a] + clusters.pop(b))
        total[a] += total[b]
        total[:, a] = total[a]
        total[a, a] = -np.inf
        total = np.delete(np.delete(total, b, 0), b, 1)
    return sorted(clusters)


def _group(dimensions: list[Dimension]) -> Group:
    """Named after its most discriminative dimensions."""
    name, title = dimensions[0].name, ", ".join(d.genome_tags[0] for d in dimensions[:3])
    return Group(f"{name}_" if name == ALL else name, title[:LONGEST], False, tuple(dimensions))


def _gloss(tags: list[str]) -> str:
    return f"people tag it: {', '.join(tags)}"[:LONGEST].rstrip(" ,")


def _reason(tag: str, leader: str | None) -> str:
    if leader is None:
        return f"dropped: it is no line of at most {LONGEST} characters"
    return "its own dimension" if tag == leader else f"says what {leader!r} says"


def _slug(tag: str, rank: int) -> str:
    """A tag as the name of a dimension; one without Latin letters gets a number."""
    plain = unicodedata.normalize("NFKD", tag).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:64] or f"tag_{rank + 1}"
