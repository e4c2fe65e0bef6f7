"""A taxonomy as data: groups of dimensions, each with a gloss and the curated tags it merges."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import polars as pl
import yaml

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.schemas import DIMENSIONS


@dataclass(frozen=True)
class Dimension:
    """One score in [0, 1]: its name, what 1 means, and the curated tags it stands for."""

    name: str
    gloss: str
    genome_tags: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Dimensions asked for in one call; ``factual_only`` groups are 0 where the text is silent."""

    name: str
    title: str
    factual_only: bool
    dimensions: tuple[Dimension, ...]


@dataclass(frozen=True)
class Taxonomy:
    """An ordered set of groups; dimension names are unique across them."""

    name: str
    groups: tuple[Group, ...]

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """Every dimension in feature order."""
        return tuple(dimension for group in self.groups for dimension in group.dimensions)

    def group(self, name: str) -> Group:
        """The group of that name."""
        return next(group for group in self.groups if group.name == name)

    def frame(self) -> pl.DataFrame:
        """The taxonomy as a table, in the :data:`~recfeat_pipeline.schemas.DIMENSIONS` schema."""
        pairs = [(group, dimension) for group in self.groups for dimension in group.dimensions]
        rows = [
            (self.name, group.name, dim.name, dim.gloss, list(dim.genome_tags), position)
            for position, (group, dim) in enumerate(pairs)
        ]
        return pl.DataFrame(rows, schema=DIMENSIONS, orient="row")


@cache
def load_taxonomy(name: str) -> Taxonomy:
    """Load a taxonomy by the name of a built-in file, or by the path of a YAML file.

    Raises:
        RecfeatError: no such file, or two dimensions of one name.
    """
    path = Path(name) if name.endswith(".yaml") else None
    source = path or files(__package__).joinpath(f"{name}.yaml")
    if not source.is_file():
        raise RecfeatError(
            f"No taxonomy {name!r}: give the name of a file in recfeat_pipeline/taxonomy/, "
            "or the path of a .yaml file."
        )
    spec = yaml.safe_load(source.read_text(encoding="utf-8"))
    groups = tuple(
        Group(
            name=group["name"],
            title=group["title"],
            factual_only=group["factual_only"],
            dimensions=tuple(
                Dimension(dim["name"], dim["gloss"], tuple(dim.get("genome_tags", ())))
                for dim in group["dimensions"]
            ),
        )
        for group in spec["groups"]
    )
    taxonomy = Taxonomy(spec["name"], groups)
    names = [dimension.name for dimension in taxonomy.dimensions]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise RecfeatError(f"Taxonomy {name!r} names {twice[0]!r} twice; names must be unique.")
    return taxonomy
