"""A taxonomy as data: groups of dimensions, each with a gloss and the curated tags it merges."""

from dataclasses import dataclass

import polars as pl

from recfeat_pipeline.schemas import DIMENSIONS


@dataclass(frozen=True)
class Dimension:
    """One score in [0, 1]: its name, what 1 means, and the curated tags it stands for."""

    name: str
    gloss: str
    genome_tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Dimensions asked for in one call; ``factual_only`` groups are 0 where the text is silent."""

    name: str
    title: str
    factual_only: bool
    dimensions: tuple[Dimension, ...]
    gloss: str = ""  # what the group is about, as the generic prompt tells it


@dataclass(frozen=True)
class Taxonomy:
    """An ordered set of groups; dimension names are unique across them."""

    name: str
    groups: tuple[Group, ...]
    item: str = "item"  # what is scored, in a word: "film", "recipe"

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """Every dimension in feature order."""
        return tuple(dimension for group in self.groups for dimension in group.dimensions)

    def frame(self) -> pl.DataFrame:
        """The taxonomy as a table, in the :data:`~recfeat_pipeline.schemas.DIMENSIONS` schema."""
        pairs = [(group, dimension) for group in self.groups for dimension in group.dimensions]
        rows = [
            (self.name, group.name, dim.name, dim.gloss, list(dim.genome_tags), position)
            for position, (group, dim) in enumerate(pairs)
        ]
        return pl.DataFrame(rows, schema=DIMENSIONS, orient="row")
