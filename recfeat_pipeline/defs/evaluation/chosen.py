"""Settings that validation chose for the arms of a lake, by a search or by the family itself."""

import json
from collections import defaultdict
from dataclasses import asdict
from typing import Any

from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.arms import load_arms


def chosen_settings(lake: Lake) -> list[dict[str, Any]]:
    """Of every arm with such settings: ``arm``, ``by`` (``--tune`` or the family), ``settings``.

    A search's are those of the stored runs that differ from the arm's file, so they are what was
    trained with, whatever was searched later. A setting has each seed's value, as text.
    """
    arms, found = load_arms(), defaultdict[tuple[str, str], dict[str, set[str]]](dict)
    for run, made in lake.notes("made_from"):
        if (arm := arms.get(run["arm"])) is None:
            continue
        shipped = json.loads(json.dumps(asdict(arm.settings)))  # as the note has them
        fitted = made.get("settings", {})
        searched = {k: v for k, v in fitted.items() if k in shipped and v != shipped[k]}
        for by, settings in (("--tune", searched), ("the family", made.get("chosen", {}))):
            for name, value in settings.items():
                found[arm.id, by].setdefault(name, set()).add(_text(value))
    return [
        {"arm": arm, "by": by, "settings": {k: " or ".join(sorted(v)) for k, v in values.items()}}
        for (arm, by), values in sorted(found.items())
    ]


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
