"""Why an extraction ended early: for `recfeat status`, and for asking again once it would go on.

A key that is refused, an account without credit, a quota that is used up: nothing in the lake
changes when such a thing is mended, so nothing that follows changes would buy what is missing.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.types import EndpointError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings

SOONEST, LATEST = timedelta(hours=1), timedelta(days=1)  # between two tries of what was refused


def keep_reason(
    lake: Lake, version: str, shards: Sequence[str], why: str | RecfeatError, settings: Settings
) -> None:
    """Keep why the extraction of some shards ended early, until each of them ends well.

    Args:
        lake: where.
        version: its key.
        shards: that were asked for.
        why: an error failed it, a sentence (a budget, Ctrl-C) interrupted it.
        settings: say what was asked, in case that is what has to be mended.
    """
    before = lake.read_note("stopped", version=version) or {}
    note: dict[str, Any] = {
        "state": "failed" if isinstance(why, RecfeatError) else "interrupted",
        "why": str(why),
        "shards": sorted({*before.get("shards", []), *shards}),
    }
    if isinstance(why, EndpointError):
        now, mark = _now().isoformat(), _mark(settings)
        since = before["since"] if before.get("endpoint") == mark else now
        note |= {"endpoint": mark, "since": since, "at": now}
    lake.write_note("stopped", note, version=version)


def drop_reason(lake: Lake, version: str, shards: Sequence[str]) -> None:
    """The extraction of some shards has ended well."""
    note = lake.read_note("stopped", version=version)
    left = sorted(set((note or {}).get("shards", [])) - set(shards))
    if note and left:
        lake.write_note("stopped", note | {"shards": left}, version=version)
    elif note:
        lake.drop_note("stopped", version=version)


def worth_another_try(lake: Lake, settings: Settings) -> dict[str, list[str]]:
    """Shards by version that the endpoint did not answer, and that are to be asked again now.

    At once where another endpoint or key is configured since. With the same ones after as long as
    they have been refused for, at least an hour and at most a day: somebody may have paid the bill.
    """
    found = {}
    for keys, note in lake.notes("stopped"):
        if "endpoint" not in note:
            continue
        since, at = (datetime.fromisoformat(note[name]) for name in ("since", "at"))
        waited_for = _now() - at >= min(max(at - since, SOONEST), LATEST)
        if waited_for or note["endpoint"] != _mark(settings):
            found[keys["version"]] = note["shards"]
    return found


def _mark(settings: Settings) -> str:
    """Tells one endpoint, key and model from others; too short to be searched back to a key."""
    key = settings.llm_api_key
    asked = (settings.llm_base_url, key.get_secret_value() if key else None, settings.llm_model)
    return hashlib.sha256(repr(asked).encode()).hexdigest()[:8]


def _now() -> datetime:
    return datetime.now(UTC)
