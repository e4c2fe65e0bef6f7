"""The catalogue that a command is about, when no run has read it yet."""

from pathlib import Path

from recfeat_pipeline.catalog.read import read_catalog
from recfeat_pipeline.catalog.types import Catalog
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings


def read_named_catalog(path: str | None, split: str | None = None) -> Catalog:
    """The named catalogue, else the one a run would read: the setting's, the lake's, the embedded.

    Its split is the given one, else RECFEAT_SPLIT, else, of the lake's own catalogue, the lake's.

    Raises:
        RecfeatError: it cannot be read.
    """
    settings, found = Settings(), catalog_path(path)
    meta = Lake(settings.lake).meta
    held = meta.get("split") if found == meta.get("catalog") else None
    return read_catalog(found, split or settings.split or held)


def catalog_path(path: str | None) -> str | None:
    """Where that catalogue lies, absolute; None for the embedded one."""
    settings = Settings()
    given = path or settings.catalog
    if given:
        return str(Path(given).expanduser().resolve())
    return Lake(settings.lake).meta.get("catalog")
