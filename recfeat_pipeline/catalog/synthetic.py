"""The embedded catalogue: generated, seeded, and with a known truth.

It exists so that anyone can see the pipeline work with no key, no network and no data, and so that
tests can check that a planted effect is found (``content_effect=1``) and an absent one is not
(``content_effect=0``: choices follow popularity and novelty alone).

Items have sparse true scores on the taxonomy, some by their archetype and some of their own; their
texts are written from these scores (:mod:`~recfeat_pipeline.catalog.synthetic_text`). Users like
and dislike single dimensions and, more weakly, archetypes. A user's items are drawn without
replacement (Gumbel-top-k; Kool et al. 2019) from taste + popularity + novelty.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from recfeat_pipeline.catalog.synthetic_text import Writer, invent_titles
from recfeat_pipeline.catalog.types import Catalog, CorpusRules
from recfeat_pipeline.schemas import INTERACTIONS, TAGS
from recfeat_pipeline.taxonomy import load_taxonomy

N_ARCHETYPES = 12
ARCHETYPE_WEIGHT = 0.5  # of archetypes in scores and tastes; the rest is single dimensions, which
# item ids reveal slowly and content reveals at once: that is the planted effect
OWN_DIMENSIONS = 0.04  # share of dimensions an item has beside its archetype's
LIKES = 6  # single dimensions a user likes, and dislikes by half
TASTE = 4.0  # weight of a standard deviation of taste beside the Gumbel noise's 1.28
DAY = 86_400
START, END = 1_420_070_400, 1_735_689_600  # 2015-01-01 to 2025-01-01
NOISE_TAGS = (
    "seen at the cinema", "on my shelf", "borrowed", "recommended by a friend", "rewatch",
    "good soundtrack", "too long", "great ending", "watched on a plane", "overrated", "underrated",
    "predictable", "good acting", "beautiful", "boring", "library", "to watch", "gift",
)  # fmt: skip


@dataclass(frozen=True)
class SyntheticConfig:
    """Size and nature of the embedded catalogue; equal configurations give equal catalogues."""

    seed: int = 0
    n_items: int = 600
    n_users: int = 1500
    content_effect: float = 1.0  # weight of taste in choices and ratings; 0: none
    popularity_skew: float = 0.8  # standard deviation of the items' log appeal
    thin_share: float = 0.12  # items whose text is a title and one line
    cold_share: float = 0.06  # items that came last and have few or no interactions
    untagged_share: float = 0.1  # items the curators have not reached
    tag_noise: float = 0.12  # standard deviation of a curated relevance around the truth
    median_history: int = 40  # interactions per user, log-normal
    taxonomy: str = "genome132"


def generate(config: SyntheticConfig | None = None) -> Catalog:
    """The embedded catalogue of a configuration."""
    return _World(config or SyntheticConfig()).catalog()


def truth(config: SyntheticConfig | None = None) -> pl.DataFrame:
    """The true scores: ``item_id, dimension, score``, every item × every dimension."""
    world = _World(config or SyntheticConfig())
    names = [dimension.name for dimension in world.taxonomy.dimensions]
    return pl.DataFrame(
        {
            "item_id": np.repeat(world.item_ids, len(names)),
            "dimension": names * world.config.n_items,
            "score": world.scores.ravel().astype(np.float32),
        }
    )


class _World:
    """Everything drawn for one configuration; each part has a random stream of its own."""

    def __init__(self, config: SyntheticConfig):
        self.config = config
        self.taxonomy = load_taxonomy(config.taxonomy)
        self.item_ids = np.arange(1, config.n_items + 1)

    def stream(self, part: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64([self.config.seed, part]))

    # -- items ---------------------------------------------------------------------------------

    @cached_property
    def archetypes(self) -> np.ndarray:
        """(archetypes, dimensions): how strongly each dimension belongs to each archetype."""
        rng = self.stream(0)
        n_dimensions = len(self.taxonomy.dimensions)
        strengths = np.zeros((N_ARCHETYPES, n_dimensions))
        order = rng.permutation(n_dimensions)
        for archetype, owned in enumerate(np.array_split(order, N_ARCHETYPES)):
            strengths[archetype, owned] = rng.uniform(0.25, 0.75, len(owned))
        return strengths

    @cached_property
    def item_archetypes(self) -> np.ndarray:
        """(items,): the archetype each item leans to."""
        return self.stream(1).integers(0, N_ARCHETYPES, self.config.n_items)

    @cached_property
    def scores(self) -> np.ndarray:
        """(items, dimensions): true scores in [0, 1] in tenths, about one in sixteen not zero."""
        rng = self.stream(2)
        chance = ARCHETYPE_WEIGHT * self.archetypes[self.item_archetypes]
        shape = chance.shape
        present = (rng.random(shape) < chance) | (rng.random(shape) < OWN_DIMENSIONS)
        return np.where(present, np.round(rng.uniform(0.3, 1.0, shape), 1), 0.0)

    @cached_property
    def released(self) -> np.ndarray:
        """(items,): release times; cold items come in the last weeks."""
        rng = self.stream(3)
        times = rng.integers(START - 10 * 365 * DAY, END - 400 * DAY, self.config.n_items)
        times[self.cold] = END - rng.integers(1, 45, self.cold.sum()) * DAY
        return times

    @cached_property
    def cold(self) -> np.ndarray:
        """(items,): whether the item came too late to be known."""
        return self.stream(4).random(self.config.n_items) < self.config.cold_share

    # -- interactions --------------------------------------------------------------------------

    @cached_property
    def tastes(self) -> np.ndarray:
        """(users, items): how well each item suits each user, mean 0 and deviation 1 per user."""
        rng = self.stream(5)
        n_users, n_dimensions = self.config.n_users, self.scores.shape[1]
        mixture = rng.dirichlet(np.full(N_ARCHETYPES, 0.25), n_users)
        likes = ARCHETYPE_WEIGHT * mixture @ self.archetypes
        for sign in (1.0, -0.5):
            chosen = rng.random(likes.shape) < LIKES / n_dimensions
            likes += sign * chosen * rng.uniform(0.4, 1.0, likes.shape)
        fit = likes @ self.scores.T
        fit -= fit.mean(axis=1, keepdims=True)
        return fit / fit.std(axis=1, keepdims=True).clip(1e-9)

    def interactions(self) -> pl.DataFrame:
        """What each user chose while there, when (after the item's release), and the ratings."""
        config, rng = self.config, self.stream(6)
        appeal = rng.normal(0.0, config.popularity_skew, config.n_items)
        arrived = rng.integers(START, END - 365 * DAY, config.n_users)
        left = arrived + rng.integers(30 * DAY, 360 * DAY, config.n_users)
        age = ((arrived + left) // 2)[:, None] - self.released
        novelty = np.exp(-np.clip(age, 0, None) / (500 * DAY))
        utility = TASTE * config.content_effect * self.tastes + appeal + novelty
        utility = np.where(self.released < left[:, None], utility, -np.inf)
        utility += rng.gumbel(size=utility.shape)
        wanted = np.round(rng.lognormal(np.log(config.median_history), 0.5, config.n_users))
        users, items = _top(utility, wanted)

        since = np.maximum(arrived[users], self.released[items])
        times = since + rng.random(len(users)) * (left[users] - since)
        quality = rng.normal(0.0, 0.4, config.n_items)
        ratings = 3.4 + quality[items] + rng.normal(0.0, 0.6, len(users))
        ratings += config.content_effect * self.tastes[users, items]
        frame = pl.DataFrame(
            {
                "user_id": users + 1,
                "item_id": self.item_ids[items],
                "rating": np.clip(np.round(ratings * 2) / 2, 0.5, 5.0),
                "timestamp": times.astype(np.int64),
                "position": pl.Series([None] * len(users), dtype=pl.Int64),
                "split": pl.Series([None] * len(users), dtype=pl.String),
            }
        )
        return frame.cast(INTERACTIONS).sort("user_id", "timestamp", "item_id")  # type: ignore[arg-type]

    # -- tags ----------------------------------------------------------------------------------

    def tags(self) -> pl.DataFrame:
        """A dense matrix: each dimension's first two curated tags around the truth, and noise."""
        config, rng = self.config, self.stream(7)
        reached = rng.random(config.n_items) >= config.untagged_share
        columns: dict[str, np.ndarray] = {}
        for position, dimension in enumerate(self.taxonomy.dimensions):
            for tag in dimension.genome_tags[:2]:
                noisy = self.scores[:, position] + rng.normal(0, config.tag_noise, config.n_items)
                columns.setdefault(tag, noisy)
        for tag in NOISE_TAGS:
            columns[tag] = rng.beta(1.0, 4.0, config.n_items)
        matrix = np.clip(np.stack(list(columns.values()), axis=1), 0.0, 1.0)[reached]
        return pl.DataFrame(
            {
                "item_id": np.repeat(self.item_ids[reached], len(columns)),
                "tag": list(columns) * int(reached.sum()),
                "relevance": matrix.ravel(),
            }
        ).cast(TAGS)  # type: ignore[arg-type]

    # -- whole ---------------------------------------------------------------------------------

    def catalog(self) -> Catalog:
        config = self.config
        years = (1970 + self.released / (365.2425 * DAY)).astype(int)
        names = invent_titles(config.n_items, self.stream(8))
        thin = self.stream(9).random(config.n_items) < config.thin_share
        writer = Writer(self.taxonomy, self.stream(10))
        genres = [writer.genres(row) for row in self.scores]
        items = pl.DataFrame(
            {
                "item_id": self.item_ids,
                "title": [f"{name} ({year})" for name, year in zip(names, years, strict=True)],
                "year": pl.Series(years, dtype=pl.Int32),
                "genres": pl.Series(genres, dtype=pl.List(pl.String)),
                "imdb_id": pl.Series([None] * config.n_items, dtype=pl.String),
                "tmdb_id": pl.Series([None] * config.n_items, dtype=pl.Int64),
            }
        )
        fields = writer.fields(items, self.scores, thin)
        return Catalog(
            name="embedded",
            items=items,
            fields=fields,
            interactions=self.interactions(),
            tags=self.tags(),
            rules=CorpusRules(more_than_item_interactions=20, min_user_interactions=10),
            notes=(),
            source="embedded",
        )


def _top(utility: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of each row's ``wanted`` largest values that are not −∞."""
    order = np.argsort(-utility, axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    rows, columns = np.nonzero((rank < wanted[:, None]) & np.isfinite(utility))
    return rows, columns
