"""Sizes of the arms: on the lake's corpus when a run has read one, else on the published one."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from recfeat_pipeline.catalog.movielens import read_user_tags
from recfeat_pipeline.extraction.embeddings import HashedEmbedder
from recfeat_pipeline.extraction.prompts import DEFAULT
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.arms import Arm
from recfeat_pipeline.models.metadata import build_metadata
from recfeat_pipeline.models.sizes import content_width, parameters, source_widths
from recfeat_pipeline.settings import Settings

PUBLISHED_ITEMS, PUBLISHED_TAGS, PUBLISHED_GENRES = 9_375, 1_128, 20


@dataclass(frozen=True)
class Size:
    """Of one arm; None where it is not known, or where nothing is trained."""

    content_width: int | None
    n_parameters: int | None


def measure(arms: Iterable[Arm]) -> tuple[str, dict[str, Size]]:
    """What the sizes are of, in words, and the size of each arm by id; trains nothing."""
    lake, metadata = Lake(Settings().lake), None
    if lake.has("items") and lake.has("dimensions"):
        items, dimensions = lake.read("items"), lake.read("dimensions")
        n_items = items.filter("in_corpus").height
        sources = source_widths(items, dimensions, lake.read("tags"), _profile_width(lake))
        corpus = f"the {n_items:,} items of {lake.meta.get('name')}"
        if any(arm.metadata for arm in arms):
            source = Path(lake.read_note("catalog")["source"])
            metadata = build_metadata(items, read_user_tags(source) if source.is_dir() else None)
    else:
        taxonomy = load_version(DEFAULT).taxonomy
        assert taxonomy
        dimensions, n_items = taxonomy.frame(), PUBLISHED_ITEMS
        mapped = dimensions["genome_tags"].explode().unique().to_list()
        others = range(PUBLISHED_TAGS - len(mapped))
        sources = {
            "llm": dimensions["dimension"].to_list(),
            "curated": [*mapped, *(f"tag {number}" for number in others)],
            "profile": [str(column) for column in range(HashedEmbedder.WIDTH)],
            "genres": [f"genre {number}" for number in range(PUBLISHED_GENRES)],
        }
        corpus = f"the published corpus of {n_items:,} items, for no run has read another yet"
    sizes = {}
    for arm in arms:
        width = content_width(arm, sources, dimensions)
        n = None if width is None else parameters(arm, n_items, width, metadata)
        sizes[arm.id] = Size(width or None, n)
    return corpus, sizes


def _profile_width(lake: Lake) -> int:
    widths = (
        len(vector) for part in lake.each("profiles", ["vector"]) for vector in part["vector"]
    )
    return next(widths, 0)
