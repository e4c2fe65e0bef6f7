"""Whether a day's catalogue may be written: it is held against yesterday's."""

from pathlib import Path

from recfeat_pipeline.catalog.types import Catalog
from recfeat_pipeline.guard import Day, believed_rules, check, rules_of
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings


def believe_catalog(lake: Lake, catalog: Catalog, path: str | None, settings: Settings) -> bool:
    """Hold a catalogue as it was read against the one that is stored.

    Returns:
        Whether to write it; False when somebody rejected just this one.

    Raises:
        RecfeatError: it is suspicious.
    """
    rules = rules_of(catalog.name, path, _definition(path))
    items, fields = lake.read("catalog_items"), lake.read("fields")
    held = sum(part.height for part in lake.each("interactions", ["item_id"]))
    before = Day(items, fields, believed_rules(lake, "catalogue"), {"interactions": held})
    after = Day(catalog.items, catalog.fields, rules, {"interactions": catalog.interactions.height})
    return check(lake, "catalogue", before, after, settings)


def _definition(path: str | None) -> str:
    """The catalogue file, which a person writes; other columns of it may make other texts."""
    place = Path(path) if path else None
    return place.read_text(encoding="utf-8") if place and place.is_file() else ""
