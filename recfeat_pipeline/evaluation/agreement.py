"""How far a prompt version's scores agree with the curated tags they stand for, with intervals.

Items are the unit: every interval is a bootstrap over items, one draw for all dimensions, so that a
group's mean keeps the dependence between its dimensions. Three questions are kept apart: do scores
order items as curators do (Pearson, Spearman); is part of that only popularity (the partial
correlation with log popularity held fixed); how far could it go (the ceiling: the square root of
the split-half reliability of a curated value that merges several tags).
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import polars as pl

from recfeat_pipeline.schemas import AGREEMENT_CONTRASTS, AGREEMENT_INTERVALS, VERSION_AGREEMENT

DRAWS = 500
ALL = "all"


def agreement_intervals(
    features: pl.DataFrame,
    tags: pl.DataFrame,
    dimensions: pl.DataFrame,
    items: pl.DataFrame,
) -> pl.DataFrame:
    """Agreement of every version with the curated tags, per dimension, per group and over all.

    Args:
        features: ``item_id, version, dimension, score``.
        tags: ``item_id, tag, relevance``; an absent tag of a tagged item counts as 0, counts enter
            as log(1 + count), as in ``metrics.agreement``.
        dimensions: :data:`~recfeat_pipeline.schemas.DIMENSIONS`, with the ``version`` that scores
            them.
        items: :data:`~recfeat_pipeline.schemas.ITEMS`.

    Returns:
        :data:`~recfeat_pipeline.schemas.AGREEMENT_INTERVALS`; a group's row is the mean over its
        dimensions that vary.
    """
    frames = [pl.DataFrame(schema=AGREEMENT_INTERVALS)]
    for version, (curated, scores) in _versions(features, tags, dimensions).items():
        parts, n_items = curated.parts(scores), scores.height
        x, weights = curated.scores(scores), _weights(n_items, DRAWS)
        y = np.stack([part.mean(1) for part in parts], axis=1)
        p = scores.select("item_id").join(items, on="item_id", how="left", maintain_order="left")
        p = np.log1p(p["n_ratings"].fill_null(0).to_numpy())[:, None]
        r = correlate(x, y, weights)
        r_xp, r_yp = correlate(x, p, weights), correlate(y, p, weights)
        room = (1 - r_xp**2) * (1 - r_yp**2)
        partial = (r - r_xp * r_yp) / np.sqrt(np.where(room > 1e-9, room, np.nan))
        spearman = correlate(_ranks(x), _ranks(y), weights)
        ceiling = np.array([_ceiling(part) for part in parts])[None]
        frames.append(
            curated.frame(
                version,
                n_items,
                pearson_r=r,
                spearman_r=spearman,
                partial_r=partial,
                popularity_r=r_xp,
                ceiling=ceiling,
            )
        )
    return pl.concat(frames)


def agreement_contrasts(
    features: pl.DataFrame, tags: pl.DataFrame, dimensions: pl.DataFrame
) -> pl.DataFrame:
    """Differences of the versions' mean Pearson r, over the items that a pair has in common.

    Only versions that score the same dimensions are a pair.

    Returns:
        :data:`~recfeat_pipeline.schemas.AGREEMENT_CONTRASTS`.
    """
    versions = _versions(features, tags, dimensions)
    rows = []
    for version, (curated, ours) in versions.items():
        for reference, (others, theirs) in versions.items():
            shared = ours.join(theirs.select("item_id"), on="item_id", how="semi")
            if version == reference or others is not curated or shared.is_empty():
                continue
            theirs = theirs.join(shared.select("item_id"), on="item_id", how="semi")
            weights = _weights(shared.height, DRAWS)
            y = np.stack([part.mean(1) for part in curated.parts(shared)], axis=1)
            delta = correlate(curated.scores(shared), y, weights)
            delta -= correlate(curated.scores(theirs), y, weights)
            for group, member in curated.members():
                means = _mean(delta[:, member])
                low, high = np.quantile(means[1:], [0.025, 0.975])
                rows.append((version, reference, group, means[0], low, high, shared.height))
    frame = pl.DataFrame(rows, schema=AGREEMENT_CONTRASTS, orient="row")
    return frame.filter(pl.col("delta").is_not_nan())


def version_agreement(features: pl.DataFrame, dimensions: pl.DataFrame) -> pl.DataFrame:
    """How alike the scores of two versions are: another model's, or those of another text.

    Needs no curated tags. Each pair of versions that score the same dimensions stands once, over
    the items that both scored.

    Returns:
        :data:`~recfeat_pipeline.schemas.VERSION_AGREEMENT`; a group's row is the mean over its
        dimensions that vary in both.
    """
    wide, scored = dict[object, pl.DataFrame](), dict[object, list]()
    for (version,), own_rows in features.sort("version").group_by("version", maintain_order=True):
        own = dimensions.filter(pl.col("version") == version).sort("position")
        scored[version] = own.select("dimension", "group").rows()
        wide[version] = own_rows.pivot("dimension", index="item_id", values="score").sort("item_id")
    rows = []
    for version, reference in combinations(wide, 2):
        shared = wide[version].join(wide[reference], on="item_id", how="semi")["item_id"]
        if shared.is_empty() or scored[version] != scored[reference]:
            continue
        names, groups = zip(*scored[version], strict=True)
        members = [(ALL, np.ones(len(names), bool))]
        members += [(group, np.array(groups) == group) for group in dict.fromkeys(groups)]
        x, y = (
            wide[name]
            .filter(pl.col("item_id").is_in(shared.implode()))
            .select(pl.col(d) if d in wide[name].columns else pl.lit(0.0).alias(d) for d in names)
            .fill_null(0)
            .cast(pl.Float64)
            .to_numpy()
            for name in (version, reference)
        )
        r = correlate(x, y, _weights(len(shared), DRAWS))
        means = np.stack([_mean(r[:, member]) for _, member in members], axis=1)
        whole = np.concatenate([means, r], axis=1)  # [1 + draws, groups + D]
        low, high = np.quantile(whole[1:], [0.025, 0.975], axis=0)
        keys = [*((group, None) for group, _ in members), *zip(groups, names, strict=True)]
        rows += [
            (version, reference, *key, *values, len(shared))
            for key, values in zip(keys, zip(whole[0], low, high, strict=True), strict=True)
        ]
    return pl.DataFrame(rows, schema=VERSION_AGREEMENT, orient="row").fill_nan(None)


def correlate(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted correlations [B, D] of the columns of x [n, D] and y [n, D] or [n, 1].

    ``weights`` [B, n] count how often each row is drawn, the first row each of them once. NaN where
    a column does not vary; where it varies but not in a draw, the draw takes the first row's value,
    for leaving it out would shift the means that it enters.
    """
    total = weights.sum(1, keepdims=True)
    x, y = x - x.mean(0), y - y.mean(0)
    mean_x, mean_y = weights @ x / total, weights @ y / total
    cov = weights @ (x * y) / total - mean_x * mean_y
    var_x, var_y = weights @ x**2 / total - mean_x**2, weights @ y**2 / total - mean_y**2
    product = np.where((var_x > 1e-12) & (var_y > 1e-12), var_x * var_y, np.nan)
    r = cov / np.sqrt(product)
    return np.where(np.isnan(r), r[0], r)


class _Curated:
    """The curated tags of every dimension of a taxonomy that has any in the matrix."""

    def __init__(self, tags: pl.DataFrame, dimensions: Sequence[tuple[str, str, Sequence[str]]]):
        present = set(tags["tag"])
        kept = [(name, group, [tag for tag in merged if tag in present])
                for name, group, merged in dimensions]  # fmt: skip
        self.names = [name for name, _, merged in kept if merged]
        self.groups = np.array([group for _, group, merged in kept if merged], dtype=object)
        self.tags = [merged for _, _, merged in kept if merged]
        value = pl.col("relevance").cast(pl.Float64)
        relevance = value.log1p() if (tags["relevance"].max() or 0) > 1 else value  # type: ignore[operator]
        used = sorted({tag for merged in self.tags for tag in merged})
        wide = (
            tags.with_columns(relevance=relevance)
            .filter(pl.col("tag").is_in(used))
            .pivot("tag", index="item_id", values="relevance")
        )
        self.wide = (
            tags.select("item_id").unique().join(wide, on="item_id", how="left").fill_null(0)
        )

    def parts(self, scores: pl.DataFrame) -> list[np.ndarray]:
        """Per dimension the relevance of its tags, [n, tags], for the items of ``scores``."""
        rows = scores.select("item_id").join(
            self.wide, on="item_id", how="left", maintain_order="left"
        )
        return [rows.select(merged).to_numpy() for merged in self.tags]

    def scores(self, scores: pl.DataFrame) -> np.ndarray:
        """[n, D]; 0 for a dimension that the version does not have."""
        given = [pl.col(name) if name in scores.columns else pl.lit(0.0).alias(name)
                 for name in self.names]  # fmt: skip
        return scores.select(given).cast(pl.Float64).to_numpy()

    def members(self) -> Iterator[tuple[str, np.ndarray]]:
        """Groups, and all, with the dimensions in them (bool [D])."""
        yield ALL, np.ones(len(self.names), bool)
        for group in dict.fromkeys(self.groups):
            yield str(group), self.groups == group

    def frame(self, version: str, n_items: int, **values: np.ndarray) -> pl.DataFrame:
        """Rows per dimension, then per group; a value [1 + draws, D] has the point first."""
        columns: dict[str, np.ndarray] = {}
        for name, given in values.items():
            means = [_mean(given[:, member]) for _, member in self.members()]
            whole = np.concatenate([given, np.stack(means, axis=1)], axis=1)  # [1 + draws, rows]
            columns[name] = whole[0]
            stem = name.removesuffix("_r")
            if f"{stem}_low" in AGREEMENT_INTERVALS:
                ends = np.quantile(whole[1:], [0.025, 0.975], axis=0)
                columns |= {f"{stem}_low": ends[0], f"{stem}_high": ends[1]}
        groups = [group for group, _ in self.members()]
        key = {
            "version": [version] * (len(self.names) + len(groups)),
            "group": [*self.groups, *groups],
            "dimension": [*self.names, *[None] * len(groups)],
            "n_items": [n_items] * (len(self.names) + len(groups)),
        }
        frame = pl.DataFrame({**key, **columns}).select(list(AGREEMENT_INTERVALS))
        return frame.cast(AGREEMENT_INTERVALS).fill_nan(None)  # type: ignore[arg-type]


def _versions(
    features: pl.DataFrame, tags: pl.DataFrame, dimensions: pl.DataFrame
) -> dict[str, tuple[_Curated, pl.DataFrame]]:
    """Each version's curated tags and scores, a row per tagged item and a column per dimension.

    Versions that score the same dimensions share one :class:`_Curated`.
    """
    known: dict[str, _Curated] = {}
    found = {}
    for (version,), rows in features.sort("version").group_by("version", maintain_order=True):
        own = dimensions.filter(pl.col("version") == version).sort("position")
        own = own.select("dimension", "group", "genome_tags")
        asked = own.write_json()
        curated = known[asked] = known.get(asked) or _Curated(tags, own.rows())
        tagged = rows.join(curated.wide.select("item_id"), on="item_id", how="semi")
        tagged = tagged.filter(pl.col("dimension").is_in(curated.names))
        if tagged.height:
            wide = tagged.pivot("dimension", index="item_id", values="score").fill_null(0)
            found[str(version)] = curated, wide.sort("item_id")
    return found


def _weights(n_items: int, draws: int) -> np.ndarray:
    """[1 + draws, n]: every item once, then items drawn with replacement."""
    drawn = np.random.default_rng(0).multinomial(n_items, np.full(n_items, 1 / n_items), draws)
    return np.concatenate([np.ones((1, n_items)), drawn])


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks of each column, ties at their mean."""
    frame = pl.DataFrame(values, schema=[str(column) for column in range(values.shape[1])])
    return frame.select(pl.all().rank("average")).to_numpy()


def _ceiling(part: np.ndarray) -> float:
    """Square root of the reliability of the mean of a dimension's tags [n, tags], if several.

    Odd against even tags, stepped up to all of them after Spearman and Brown.
    """
    if part.shape[1] < 2:
        return np.nan
    one, other = part[:, ::2].mean(1), part[:, 1::2].mean(1)
    r = correlate(one[:, None], other[:, None], np.ones((1, len(part))))[0, 0]
    return float(np.sqrt(2 * r / (1 + r))) if r > 0 else np.nan


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis, NaNs left out; NaN where there is nothing else."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(-1)
    return np.where(known.any(-1), total / known.sum(-1).clip(1), np.nan)
