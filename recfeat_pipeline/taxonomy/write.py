"""A new taxonomy file in the user's folder, never over an old one."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.taxonomy.read import FOLDER, NAME, list_taxonomies, parse_taxonomy
from recfeat_pipeline.taxonomy.taxonomy import Group, Taxonomy


def new_file(name: str, prompts: str | Path | None) -> Path:
    """Where a new taxonomy of that name will lie.

    Raises:
        RecfeatError: no folder is set, or the name is taken or cannot name a taxonomy.
    """
    if prompts is None:
        raise RecfeatError(
            "Set RECFEAT_PROMPTS to a folder of your own; new taxonomies are made there."
        )
    if not NAME.fullmatch(name):
        raise RecfeatError(
            f"{name!r} cannot name a taxonomy: use small letters a to z, digits and '_'."
        )
    folder = Path(prompts).expanduser()
    if name in list_taxonomies(prompts if folder.is_dir() else None):
        raise RecfeatError(f"There is a taxonomy {name!r} already; choose another name.")
    return folder / FOLDER / f"{name}.yaml"


def write_taxonomy(
    taxonomy: Taxonomy, path: Path, above: Iterable[str] = (), below: Iterable[str] = ()
) -> None:
    """Write the file, with comments above and below the taxonomy; it is read back first.

    Raises:
        RecfeatError: what would be written has a mistake.
    """
    body = yaml.safe_dump(as_spec(taxonomy), sort_keys=False, allow_unicode=True, width=10_000)
    text = "".join(map(_comment, above)) + body + "".join(map(_comment, below))
    parse_taxonomy(text, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _comment(line: str) -> str:
    return "# " + "".join(c if c.isprintable() else "?" for c in line) + "\n"


def as_spec(taxonomy: Taxonomy) -> dict[str, Any]:
    """The taxonomy as its file says it."""
    groups = [_group(group) for group in taxonomy.groups]
    return {"name": taxonomy.name, "item": taxonomy.item, "groups": groups}


def _group(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "title": group.title,
        "gloss": group.gloss,
        "factual_only": group.factual_only,
        "dimensions": [
            {"name": d.name, "gloss": d.gloss, "genome_tags": list(d.genome_tags)}
            for d in group.dimensions
        ],
    }
