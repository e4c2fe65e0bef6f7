"""What follows what without being asked: conditions, freshness, and second tries.

Every partition has a data version made from its content (``events.py``), so these conditions look
at *changed* inputs, not at inputs that were written again: an unchanged shard stops the work there.
They act once the sensor ``follow_changes`` is switched on.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta

import dagster as dg
from dagster import AutomationCondition as When

from recfeat_pipeline.defs.about import GROUPS
from recfeat_pipeline.defs.extraction.followed import followed_versions
from recfeat_pipeline.defs.extraction.stopped import worth_another_try
from recfeat_pipeline.defs.partitions import shards
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import current_settings

UNATTENDED = "recfeat/unattended"  # tag of runs that nobody waits for
SWEEP = "0 5 * * 0"  # Sundays


class IsFollowed(dg.AutomationCondition):
    """True for the partitions of prompt versions that unattended runs may spend money on."""

    def evaluate(self, context: dg.AutomationContext) -> dg.AutomationResult:
        """Narrow the candidates to these versions."""
        settings = current_settings()
        followed = followed_versions(Lake(settings.lake), settings.prompts).keys
        return _narrowed(context, dict.fromkeys(followed, shards.get_partition_keys()))


class IsDecided(dg.AutomationCondition):
    """True for all documents once somebody has decided about a day of them that was set aside."""

    def evaluate(self, context: dg.AutomationContext) -> dg.AutomationResult:
        """All of the candidates, or none."""
        held = Lake(current_settings().lake).read_note("suspicious", stage="documents") or {}
        none = context.get_empty_subset()
        return dg.AutomationResult(
            context, context.candidate_subset if held.get("decision") else none
        )


class IsWorthAnotherTry(dg.AutomationCondition):
    """True for shards that the LLM's endpoint refused, once it may answer them."""

    def evaluate(self, context: dg.AutomationContext) -> dg.AutomationResult:
        """Narrow the candidates to these shards."""
        settings = current_settings()
        return _narrowed(context, worth_another_try(Lake(settings.lake), settings))


class HasCatalogue(dg.AutomationCondition):
    """True once the lake holds a catalogue: of nothing, no sound store can be built."""

    def evaluate(self, context: dg.AutomationContext) -> dg.AutomationResult:
        """All of the candidates, or none; the lake is asked only where there are some."""
        found = context.candidate_subset
        if not found.is_empty and not Lake(current_settings().lake).has("items"):
            found = context.get_empty_subset()
        return dg.AutomationResult(context, found)


INPUT_CHANGED = When.any_deps_match(
    When.data_version_changed() & ~When.executed_with_root_target()
).with_label("an input's content changed")

HANDLED = (When.newly_requested() | When.newly_updated()).with_label("asked for or done")

IDLE = (~When.any_deps_in_progress() & ~When.in_progress()).with_label("nothing here is running")

GO_OVER = (When.cron_tick_passed(SWEEP) | When.initial_evaluation()).with_label(
    "once a week, and when it is switched on"
)
"""Once over everything: for what a failed run left undone, or changed before anybody looked. What
is up to date costs a little computing, and no request."""

FOLLOW_INPUTS = (
    (INPUT_CHANGED | GO_OVER).since(HANDLED) & ~When.any_deps_missing() & IDLE
).with_label("follow changed inputs")
"""For lake tables: write again the partitions whose inputs changed."""

FOLLOW_TEXT = (
    (INPUT_CHANGED | GO_OVER | IsDecided().newly_true()).since(HANDLED)
    & ~When.any_deps_missing().ignore(dg.AssetSelection.groups(GROUPS["text"]))
    & IDLE
).with_label("follow changed inputs, and what was decided about a suspicious day")
"""For documents: nothing else would write a day that somebody believes after all. They do without
a source that was never asked."""

FOLLOW_DOCUMENTS = (
    (INPUT_CHANGED | GO_OVER | When.newly_missing() | IsWorthAnotherTry().newly_true()).since(
        HANDLED
    )
    & ~When.any_deps_missing()
    & IDLE
    & IsFollowed()
).with_label("follow changed documents, and new prompt versions")
"""For scores: extract the shards whose documents changed, and all shards of a new version, once;
and again those that the endpoint refused."""

STORE = dg.AssetSelection.groups(GROUPS["feature_store"], GROUPS["evaluation"])
FOLLOW_IN_STORE = (
    (INPUT_CHANGED | When.any_deps_match(When.will_be_requested()).allow(STORE) | GO_OVER).since(
        HANDLED
    )
    & ~When.any_deps_missing().allow(STORE)
    & IDLE
    & HasCatalogue()
).with_label("follow changed inputs, with the tables built on them")
"""For tables of the feature store: one run rebuilds a table and all that follow from it. A lake
table may have no rows yet (no arm trained), which SQL reads as an empty table."""

LOOKED_AT_DAILY = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(hours=36), fail_window=timedelta(days=3)
)
SWEPT_WEEKLY = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(days=8), fail_window=timedelta(days=15)
)


def _narrowed(
    context: dg.AutomationContext, by_version: Mapping[str, Sequence[str]]
) -> dg.AutomationResult:
    """The candidates that are of one of the versions and among its shards."""
    wanted = {
        str(dg.MultiPartitionKey({"version": version, "shard": shard}))
        for version, of_version in by_version.items()
        for shard in of_version
    }
    found = wanted & context.candidate_subset.expensively_compute_partition_keys()
    return dg.AutomationResult(
        context, context.candidate_subset.compute_intersection_with_partition_keys(found)
    )


@contextmanager
def again_later(context: dg.AssetExecutionContext) -> Iterator[None]:
    """Let a run that nobody waits for try thrice, some minutes apart: outages end.

    Whoever waits at a terminal is told at once, and decides.
    """
    try:
        yield
    except RecfeatError as error:
        if UNATTENDED not in context.run.tags:
            raise
        wait = 60 * 5**context.retry_number  # 1 and 5 minutes
        raise dg.RetryRequested(max_retries=2, seconds_to_wait=wait) from error
