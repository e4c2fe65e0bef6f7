"""The catalogue that a command is about, when no run has read it yet."""

from pathlib import Path

from recfeat_pipeline.catalog.read import read_catalog
from recfeat_pipeline.catalog.types import Catalog
from recfeat_pipeline.commands.progress import fetching
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings


def read_named_catalog(settings: Settings) -> Catalog:
    """The catalogue that a run would read: the settings', else the lake's, else the embedded.

    Its split is the settings', else, of the lake's own catalogue, the lake's.

    Raises:
        RecfeatError: it cannot be read.
    """
    found, meta = catalog_path(settings), Lake(settings.lake).meta
    held = meta.get("split") if found == meta.get("catalog") else None
    with fetching() as progress:
        return read_catalog(found, settings.split or held, progress)


def catalog_path(settings: Settings) -> str | None:
    """Where that catalogue lies, absolute; None for the embedded one."""
    if settings.catalog:
        return str(Path(settings.catalog).expanduser().resolve())
    return Lake(settings.lake).meta.get("catalog")
