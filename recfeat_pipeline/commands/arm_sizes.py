"""Sizes of the arms: on the lake's corpus when a run has read one, else on the published one."""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import duckdb
import polars as pl

from recfeat_pipeline.content.fill import columns
from recfeat_pipeline.content.source import load_source, read_columns
from recfeat_pipeline.defs.training.inputs import feature_version, load_data
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.prompts import DEFAULT, promoted
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.arms import Arm
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.schemas import EVENTS, EXAMPLES, ITEMS
from recfeat_pipeline.store import built, open_store

PUBLISHED_ITEMS = 9_375
WAIT = 2  # seconds for the feature store


@dataclass(frozen=True)
class Size:
    """Of one arm; None where it is not known, or where nothing is trained."""

    content_width: int | None
    n_parameters: int | None


def measure(lake: Lake, arms: Iterable[Arm]) -> tuple[str, dict[str, Size]]:
    """What the sizes are of, in words, and the size of each arm by id; trains nothing."""
    with ExitStack() as opened:
        corpus: _Corpus = _Published("no run has read another yet")
        if built(lake) is not None and lake.has("events"):
            try:
                store = opened.enter_context(open_store(lake, wait_seconds=WAIT))
                corpus = _Read(lake, store)
            except RecfeatError:  # a run is writing, or has still to write it anew
                corpus = _Published("this lake's feature store cannot be read now")
        return corpus.name, {arm.id: _size(corpus, arm) for arm in arms}


def _size(corpus: "_Corpus", arm: Arm) -> Size:
    found = corpus.columns(arm)
    if found is None:
        return Size(None, None)
    family, width = arm.family, len(found)
    if family.size is None or not corpus.knows(arm):
        return Size(width or None, None)
    return Size(width or None, family.size(corpus.data, width, arm.settings))


class _Read:
    """The corpus of a lake."""

    def __init__(self, lake: Lake, store: duckdb.DuckDBPyConnection):
        self.lake, self.store, self.data = lake, store, load_data(lake)
        self.name = f"the {self.data.n_items:,} items of {lake.meta.get('name')}"
        self._columns = cache(lambda name, version: read_columns(store, name, version))

    def columns(self, arm: Arm) -> tuple[str, ...] | None:
        """The columns of an arm's slot; None where a source is not there."""
        version = feature_version(self.lake, self.store, arm)
        dimensions = self.lake.read("dimensions", version=version or promoted(self.lake))
        return columns(arm.content, lambda name: self._columns(name, version), dimensions)

    def knows(self, arm: Arm) -> bool:
        """Whether all that the arm sees is there."""
        return True


class _Published:
    """The published corpus, of which only the sizes are known."""

    def __init__(self, why: str):
        self.name = f"the published corpus of {PUBLISHED_ITEMS:,} items, for {why}"
        indices = pl.DataFrame({"item_index": range(PUBLISHED_ITEMS)}, schema_overrides=ITEMS)
        missing = [pl.lit(None, d).alias(n) for n, d in ITEMS.items() if n != "item_index"]
        items = indices.with_columns(missing).with_columns(in_corpus=True)
        self.data = Data(pl.DataFrame(schema=EVENTS), pl.DataFrame(schema=EXAMPLES), items)
        taxonomy = load_version(DEFAULT).taxonomy
        assert taxonomy
        self.dimensions = taxonomy.frame()

    def columns(self, arm: Arm) -> tuple[str, ...] | None:
        """The columns of an arm's slot."""

        def read(source: str) -> list[str]:
            return [f"{source}:{name}" for name in load_source(source).example(self.dimensions)]

        return columns(arm.content, read, self.dimensions)

    def knows(self, arm: Arm) -> bool:
        """Whether the arm sees nothing but ids, histories and content."""
        return not list(arm.family.sees(self.data, arm.settings))


_Corpus = _Read | _Published


def described(arm: Arm, size: Size) -> dict[str, Any]:
    """The arm as JSON has it."""
    return {
        "id": arm.id,
        "title": arm.title,
        "role": arm.role,
        "section": arm.section,
        "label": arm.label,
        "against": arm.against,
        "content": asdict(arm.content),
        "family": arm.family_name,
        "settings": asdict(arm.settings),
        **asdict(size),
    }
