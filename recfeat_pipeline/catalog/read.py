"""One door to every catalogue: embedded, a GroupLens folder, or the user's own files."""

from dataclasses import replace
from pathlib import Path

from recfeat_pipeline.catalog.fetch import Progress
from recfeat_pipeline.catalog.files import read_files
from recfeat_pipeline.catalog.movielens import is_grouplens, read_grouplens
from recfeat_pipeline.catalog.splits import SPLITS
from recfeat_pipeline.catalog.synthetic import SyntheticConfig, generate
from recfeat_pipeline.catalog.types import Catalog
from recfeat_pipeline.errors import RecfeatError


def read_catalog(
    path: str | None, split: str | None = None, progress: Progress | None = None
) -> Catalog:
    """Read a catalogue.

    Args:
        path: None for the embedded synthetic catalogue, a GroupLens folder, or a ``.toml`` file.
        split: one of :data:`~recfeat_pipeline.catalog.splits.SPLITS`, in place of the catalogue's
            own; None or ``provided``: that.
        progress: is told of files that are fetched.

    Raises:
        RecfeatError: there is no such thing, or it cannot be read; or there is no such split.
    """
    if split not in (None, "provided", *SPLITS):
        raise RecfeatError(
            f"There is no split {split!r}; give --split (or RECFEAT_SPLIT) one of "
            f"{', '.join(SPLITS)}, or provided."
        )
    catalog = _read(path, progress)
    if split in (None, "provided"):
        return catalog
    return replace(catalog, rules=replace(catalog.rules, split=split))


def _read(path: str | None, progress: Progress | None) -> Catalog:
    if path is None:
        return generate(SyntheticConfig())
    place = Path(path).expanduser()
    if place.is_dir():
        if is_grouplens(place):
            return read_grouplens(place)
        raise RecfeatError(
            f"{place} is not a GroupLens folder: ratings.csv or movies.csv is missing; "
            f"{_advice(place)}."
        )
    if not place.exists():
        raise RecfeatError(f"There is no catalogue at {place}; check --catalog or RECFEAT_CATALOG.")
    if place.suffix != ".toml":
        raise RecfeatError(
            f"{place} is neither a folder nor a .toml file: describe your files in a catalogue "
            "file and name that (see docs, 'A catalogue file')."
        )
    return read_files(place, progress)


def _advice(folder: Path) -> str:
    """What the user may have meant by a folder that is no release."""
    inner = [p for p in sorted(folder.iterdir()) if p.is_dir() and is_grouplens(p)]
    for candidate in (*inner, *sorted(folder.glob("*.toml"))):
        return f"name {candidate}"
    if (folder / "ratings.dat").exists():
        return (
            "ratings.dat is the older layout: convert it to CSV or Parquet and describe it in a "
            "catalogue file"
        )
    return "name a release, or a catalogue file (.toml) that describes your tables"
