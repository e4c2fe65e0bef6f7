"""Days that go wrong: an export cut short, titles emptied, one placeholder text for all.

Before a day's catalogue or documents replace yesterday's, they are held against them. Where more
falls or changes than a day may bring, nothing is written: yesterday's data serve, nothing is bought
from them, and somebody says whether the day is to be believed (``recfeat text accept``) or not
(``recfeat text reject``). A day that is as before again clears itself.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings

Stage = Literal["catalogue", "documents"]

LEAST = 20  # of whatever is counted: fewer may change as they like
ACCEPTED_FOR = timedelta(hours=24)
EXAMPLES = 3


@dataclass(frozen=True)
class Day:
    """What a stage would write, or holds."""

    items: pl.DataFrame  # item_id, title
    fields: pl.DataFrame  # item_id, label, text
    rules: str  # what a person decides: the catalogue file, the sources, how documents are made
    others: Mapping[str, int] | None = None  # further counts that should not fall

    @property
    def content_hash(self) -> str:
        """A hash of the titles and texts."""
        digest = hashlib.sha256()
        for frame in (self.items.select("item_id", "title"), _texts(self.fields)):
            digest.update(frame.sort(frame.columns).hash_rows(seed=0).to_numpy().tobytes())
        return digest.hexdigest()[:16]


def measures(day: Day) -> dict[str, int]:
    """Counts that do not fall much in a day, in words."""
    titles = day.items["title"].drop_nulls()
    titles = titles.filter(titles.str.strip_chars() != "")
    found = {
        "items": day.items.height,
        "items with a title": titles.len(),
        "distinct titles": titles.n_unique(),
        **(day.others or {}),
    }
    counts = (
        _texts(day.fields)
        .group_by("label")
        .agg(
            items=pl.len(), distinct=pl.col("text").n_unique(), chars=pl.col("text").str.len_chars()
            .sum()
        )
    )  # fmt: skip
    for row in counts.sort("label").iter_rows(named=True):
        found[f"items with {row['label']}"] = row["items"]
        if row["items"] >= LEAST:
            found[f"distinct texts of {row['label']}"] = row["distinct"]
            found[f"characters of {row['label']}"] = row["chars"]
    return found


def suspicions(
    before: Day, after: Day, fall: float, changed: float, accepted: Mapping[str, int] | None = None
) -> tuple[list[str], list[str]]:
    """What speaks against a day, and examples.

    Args:
        before: what serves.
        after: what would replace it.
        fall: the share by which a count may fall.
        changed: the share of the items whose text may change.
        accepted: measures of a day that somebody believed; it may differ from these instead.
    """
    if before.rules != after.rules or before.items.height < LEAST:
        return [], []
    now = measures(after)
    base = accepted or measures(before)
    found = [
        f"{what} fell from {was:,} to {now.get(what, 0):,}"
        for what, was in base.items()
        if was >= LEAST and now.get(what, 0) < (1 - fall) * was
    ]
    differing = _differing(before, after)
    if (
        not accepted
        and differing.height >= LEAST
        and differing.height > changed * before.items.height
    ):
        found.append(f"the text of {differing.height:,} of {before.items.height:,} items changed")
    return found, [_example(row) for row in differing.head(EXAMPLES).iter_rows(named=True)]


def check(lake: Lake, stage: Stage, before: Day, after: Day, settings: Settings) -> bool:
    """Whether a day may be written; what is wrong is kept for ``recfeat text``.

    Returns:
        False when somebody rejected exactly this day: yesterday's serves on, without a word.

    Raises:
        RecfeatError: the day is suspicious, and nobody has decided yet.
    """
    held = lake.read_note("suspicious", stage=stage) or {}
    accepted = held.get("measures") if _is_accepted(held) else None
    found, examples = suspicions(
        before, after, settings.guard_fall, settings.guard_changed, accepted
    )
    now = datetime.now(UTC).isoformat()
    if not found:
        if held:
            lake.write_note("suspicious", {}, stage=stage)
        lake.write_note("believed", {"at": now, "rules": after.rules}, stage=stage)
        return True
    if held.get("fingerprint") == after.content_hash and held.get("decision") == "rejected":
        return False
    day = {
        "at": now,
        "fingerprint": after.content_hash,
        "measures": measures(after),
        "found": found,
        "examples": examples,
        "decision": None,
    }
    lake.write_note("suspicious", day, stage=stage)
    raise RecfeatError(sentence(stage, day))


def sentence(stage: str, day: Mapping[str, Any]) -> str:
    """What is wrong with a day that was set aside, and what to do."""
    shown = "; ".join(day["examples"])
    return (
        f"A suspicious day of the {stage}: {'; '.join(day['found'])}."
        f"{f' For example: {shown}.' if shown else ''} It was set aside before anything was "
        "bought, and yesterday's serves. `recfeat text accept` believes it, `recfeat text reject` "
        "does not."
    )


def suspicious(lake: Lake) -> dict[str, dict[str, Any]]:
    """Stage → the day that was set aside and still is."""
    found = {keys["stage"]: day for keys, day in lake.notes("suspicious")}
    return {stage: day for stage, day in found.items() if day and not day["decision"]}


def decide(lake: Lake, stage: str, decision: Literal["accepted", "rejected"]) -> None:
    """Keep what somebody decided about the day that is set aside.

    What sources answered since the last day that was believed is void once it is rejected.
    """
    day = lake.read_note("suspicious", stage=stage)
    decided = {**day, "decision": decision, "decided_at": datetime.now(UTC).isoformat()}
    if decision == "rejected" and stage == "documents":
        believed = lake.read_note("believed", stage=stage) or {}
        window = {"after": believed.get("at"), "until": day["at"]}
        voids = (lake.read_note("rejected_answers") or {"windows": []})["windows"]
        lake.write_note("rejected_answers", {"windows": [*voids, window]})
    lake.write_note("suspicious", decided, stage=stage)


def rejected_windows(lake: Lake) -> list[tuple[datetime, datetime]]:
    """The spans whose answers are void: after the first moment, up to the second."""
    note = lake.read_note("rejected_answers") or {"windows": []}
    spans = [
        (window["after"] or "1970-01-01T00:00:00+00:00", window["until"])
        for window in note["windows"]
    ]
    return [
        (datetime.fromisoformat(after), datetime.fromisoformat(until)) for after, until in spans
    ]


def rules_of(*parts: object) -> str:
    """A hash of what a person decides."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]


def believed_rules(lake: Lake, stage: Stage) -> str:
    """The rules of the last day that was believed; "" when there was none."""
    return (lake.read_note("believed", stage=stage) or {}).get("rules", "")


def _is_accepted(held: Mapping[str, Any]) -> bool:
    if held.get("decision") != "accepted":
        return False
    return datetime.now(UTC) - datetime.fromisoformat(held["decided_at"]) < ACCEPTED_FOR


def _texts(fields: pl.DataFrame) -> pl.DataFrame:
    return fields.select("item_id", "label", "text").filter(
        pl.col("text").is_not_null() & (pl.col("text") != "")
    )


def _differing(before: Day, after: Day) -> pl.DataFrame:
    """Items of both days whose texts or titles differ, those that lost most first."""

    def whole(day: Day) -> pl.DataFrame:
        texts = (
            _texts(day.fields)
            .sort("item_id", "label")
            .group_by("item_id")
            .agg(text=pl.format("{}: {}", "label", "text").str.join("\n"))
        )
        return day.items.select("item_id", "title").join(texts, on="item_id", how="left")

    both = whole(before).join(whole(after), on="item_id", suffix="_now")
    lengths = [pl.col(name).str.len_chars().fill_null(0) for name in ("text", "text_now")]
    return (
        both.filter(
            pl.col("text").ne_missing(pl.col("text_now"))
            | pl.col("title").ne_missing(pl.col("title_now"))
        )
        .with_columns(was=lengths[0], now=lengths[1])
        .sort(pl.col("now") - pl.col("was"), "item_id")
    )


def _example(row: Mapping[str, Any]) -> str:
    title, now = row["title"], row["title_now"]
    renamed = f', now titled "{now or ""}"' if title != now else ""
    return f'"{title}" {row["was"]:,} → {row["now"]:,} characters{renamed}'
