"""Days that go wrong: an export cut short, titles emptied, one placeholder text for all.

Before a day's catalogue or documents replace yesterday's, they are held against them, and against
the peaks of some days before, so that a loss that drips is seen as well. Where more falls or
changes than a day may bring, nothing is written: yesterday's data serve, nothing is bought from
them, and somebody says whether the day is to be believed (``recfeat text accept``) or not
(``recfeat text reject``). A day that is as before again clears itself.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings

Stage = Literal["catalogue", "documents"]
Peaks = Mapping[str, Sequence[tuple[int, str]]]
"""Measure → its falling peaks of the last days: (count, when), the highest and oldest first."""

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
    before: Day,
    after: Day,
    fall: float,
    changed: float,
    accepted: Mapping[str, int] | None = None,
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
        if _fell(was, now.get(what, 0), fall)
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
    believed = lake.read_note("believed", stage=stage) or {}
    accepted = held.get("measures") if _is_accepted(held) else None
    peaks = {} if accepted or believed.get("rules") != after.rules else believed.get("peaks", {})
    heals = held.get("decision") == "rejected" and held.get("since")  # a drip's texts come back
    found, examples = suspicions(
        before, after, settings.guard_fall, 1.0 if heals else settings.guard_changed, accepted
    )
    now = datetime.now(UTC)
    counts = measures(after)
    dripped = [] if found else drips(peaks, counts, settings.guard_fall)
    found += [
        f"{what} fell bit by bit, from {was:,} on {at[:10]} to {counts.get(what, 0):,}"
        for what, was, at in dripped
    ]
    if not found:
        if held:
            lake.write_note("suspicious", {}, stage=stage)
        oldest = (now - timedelta(days=settings.guard_days)).isoformat()
        higher = {what: risen(peaks.get(what, ()), n, now, oldest) for what, n in counts.items()}
        about = {"at": now.isoformat(), "rules": after.rules, "peaks": higher}
        lake.write_note("believed", about, stage=stage)
        return True
    if held.get("fingerprint") == after.content_hash and held.get("decision") == "rejected":
        return False
    day = {
        "at": now.isoformat(),
        "fingerprint": after.content_hash,
        "measures": counts,
        "found": found,
        "examples": examples,
        "since": min((at for _, _, at in dripped), default=None),
        "decision": None,
    }
    lake.write_note("suspicious", day, stage=stage)
    raise RecfeatError(sentence(stage, day))


def drips(peaks: Peaks, counts: Mapping[str, int], fall: float) -> list[tuple[str, int, str]]:
    """Measures that fell since a peak by more than they may in a day: (measure, peak, when)."""
    highest = [(what, *of_days[0]) for what, of_days in peaks.items() if of_days]
    return [(what, was, at) for what, was, at in highest if _fell(was, counts.get(what, 0), fall)]


def risen(
    peaks: Sequence[tuple[int, str]], count: int, now: datetime, oldest: str
) -> list[tuple[int, str]]:
    """Falling peaks with today's count at their end: those that it reaches and old ones go."""
    kept = [(was, at) for was, at in peaks if was > count and at >= oldest]
    return [*kept, (count, now.isoformat())]


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

    What sources answered since the last day that was believed (since the peak, where it dripped) is
    void once it is rejected.
    """
    day = lake.read_note("suspicious", stage=stage)
    decided = {**day, "decision": decision, "decided_at": datetime.now(UTC).isoformat()}
    if decision == "rejected" and stage == "documents":
        believed = lake.read_note("believed", stage=stage) or {}
        window = {"after": day.get("since") or believed.get("at"), "until": day["at"]}
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


def _fell(was: int, now: int, fall: float) -> bool:
    return was >= LEAST and now < (1 - fall) * was


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
