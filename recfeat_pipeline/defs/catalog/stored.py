"""A catalogue between its two assets: as lake files, and back."""

from dataclasses import asdict

import polars as pl

from recfeat_pipeline.catalog.types import Catalog, CorpusRules, Note
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import TAGS


def save_catalog(lake: Lake, catalog: Catalog) -> dict[str, pl.DataFrame]:
    """Write the catalogue's frames and notes; returns the frames by lake table."""
    tags = pl.DataFrame(schema=TAGS) if catalog.tags is None else catalog.tags
    frames = {
        "catalog_items": catalog.items,
        "fields": catalog.fields,
        "interactions": catalog.interactions,
        "tags": tags,
    }
    for name, frame in frames.items():
        lake.write_parquet(f"catalog/{name}.parquet", frame)
    notes = [asdict(note) for note in catalog.notes]
    about = {"source": catalog.source, "rules": asdict(catalog.rules), "notes": notes}
    lake.write_json("catalog/catalog.json", {"name": catalog.name, **about})
    return frames


def load_catalog(lake: Lake) -> Catalog:
    """The catalogue that :func:`save_catalog` wrote."""
    about = lake.read_json("catalog/catalog.json")
    tags = lake.read("tags")
    return Catalog(
        name=about["name"],
        items=lake.read("catalog_items"),
        fields=lake.read("fields"),
        interactions=lake.read("interactions"),
        tags=None if tags.is_empty() else tags,
        rules=CorpusRules(**about["rules"]),
        notes=tuple(
            Note(**{**note, "examples": tuple(note["examples"])}) for note in about["notes"]
        ),
        source=about["source"],
    )
