"""What every asset says of itself in the UI: where it stands, what it costs, where to read on."""

from pathlib import Path
from typing import Any

import dagster as dg

from recfeat_pipeline.defs.columns import lake_columns
from recfeat_pipeline.defs.deployment import SETTINGS
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.layout import LAKE

DOCS = {
    "catalog": "catalogue-file.md",
    "text": "documents.md",
    "extraction": "extraction.md",
    "feature_store": "feature-store.md",
    "training": "arms.md",
    "evaluation": "statistics.md",
}
"""Stage to the page of docs/ that explains it, in the order the data flows."""
GROUPS = {stage: f"{number}_{stage}" for number, stage in enumerate(DOCS, 1)}
"""Stage to its group: Dagster sorts groups by name, so the names count."""

ROOT = Path(__file__).parents[2]


def about(stage: str, table: str | None = None, costs: str = "nothing") -> dict[str, Any]:
    """Group, owner, tags and metadata of an asset.

    Args:
        stage: a folder of ``defs/``.
        table: the lake table that it writes, for its columns.
        costs: what a run spends: "money", "requests" to others' servers, "compute" or "nothing".
    """
    stored = where(table) if table else {}
    return {
        "group_name": GROUPS[stage],
        "owners": [owner.strip() for owner in SETTINGS.owners.split(",")],
        "tags": {"recfeat/costs": costs},
        "metadata": {**stored, **read_on(ROOT / "docs" / DOCS[stage])},
    }


def where(table: str) -> dict[str, Any]:
    """Metadata of a lake table: its columns, its name, and the place of its files."""
    return {
        "dagster/column_schema": lake_columns(table),
        "dagster/table_name": f"lake.{table}",
        "dagster/uri": Lake(SETTINGS.lake).path(LAKE[table].path),
    }


def read_on(*files: Path) -> dict[str, dg.CodeReferencesMetadataValue]:
    """Metadata that links to files of this checkout; nothing where it is installed without them."""
    references = [
        dg.LocalFileCodeReference(file_path=str(file), label=str(file.relative_to(ROOT)))
        for file in files
        if file.is_file()
    ]
    value = dg.CodeReferencesMetadataValue(code_references=references)
    return {"dagster/code_references": value} if references else {}
