"""Sensors: what is looked at every so often, and what follows from it.

All are off until switched on in the UI, or all at once by ``RECFEAT_AUTOMATION=1``; the alerts are
on wherever they have somewhere to go.
"""

from collections.abc import Iterator

import dagster as dg

from recfeat_pipeline.defs.alerting import alerts
from recfeat_pipeline.defs.automation import UNATTENDED
from recfeat_pipeline.defs.check_history import repeat_hidden
from recfeat_pipeline.defs.deployment import SETTINGS
from recfeat_pipeline.defs.extraction.followed import followed_versions
from recfeat_pipeline.defs.extraction.version import is_about_items
from recfeat_pipeline.defs.jobs import backfill_prompt_version, run_full_experiment
from recfeat_pipeline.defs.known import changed_partitions, version_test_of
from recfeat_pipeline.defs.partitions import arm_seed_key, arm_seeds, versions
from recfeat_pipeline.defs.running import end_abandoned
from recfeat_pipeline.defs.training.retraining import runs_to_repeat, seen_now
from recfeat_pipeline.defs.training.stored import runs_of_promoted_scores
from recfeat_pipeline.extraction.batches import OPEN, calls_of, load_all
from recfeat_pipeline.freshness import frame_hash
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.store import built, open_store

ON, OFF = dg.DefaultSensorStatus.RUNNING, dg.DefaultSensorStatus.STOPPED
STATUS = ON if SETTINGS.automation else OFF

follow_changes = dg.AutomationConditionSensorDefinition(
    "follow_changes",
    target=dg.AssetSelection.all(),
    use_user_code_server=True,  # the conditions ask the lake which versions are followed
    run_tags={UNATTENDED: "true"},
    minimum_interval_seconds=SETTINGS.watch_seconds,
    default_status=STATUS,
    description="Where the content of an input has changed, do again what was made from it: "
    "documents, scores of the promoted prompt version and of your own ones, the feature store, "
    "the report.",
)


@dg.sensor(
    name="register_prompt_versions",
    minimum_interval_seconds=SETTINGS.watch_seconds,
    default_status=STATUS,
    description="Makes a partition of the promoted prompt version and of each of your own "
    "(RECFEAT_PROMPTS) when it appears or changes; with `follow_changes` on it is extracted once.",
)
def register_prompt_versions(
    context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]
) -> dg.SensorResult:
    """A version becomes a partition once nobody is editing it any more."""
    followed = followed_versions(
        Lake(settings.lake), settings.prompts, still_for=60 * settings.prompt_still_minutes
    )
    known = set(context.instance.get_dynamic_partitions(str(versions.name)))
    new = [key for key in followed.keys if key not in known]
    if not new:
        reason = " ".join(followed.troubles) or "No new prompt version."
        return dg.SensorResult(skip_reason=reason)
    return dg.SensorResult(dynamic_partitions_requests=[versions.build_add_request(new)])


@dg.sensor(
    name="keep_partitions",
    minimum_interval_seconds=60,
    default_status=ON,
    description="Offers the promoted prompt version and the models that this lake holds as "
    "partitions, removes those that mean nothing, and says again what a run of such hid of checks.",
)
def keep_partitions(
    context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]
) -> dg.SensorResult:
    """Nothing is extracted or trained by this: it is offered."""
    lake, first = Lake(settings.lake), context.cursor is None
    changes = changed_partitions(lake, settings.prompts, context.instance, first)
    repeated = repeat_hidden(context.instance, version_test_of(lake, settings.prompts))
    for key in repeated:
        context.log.info(f"{key.to_user_string()}: what it found before, a mistyped version hid.")
    added = [c.definition.build_add_request(c.add) for c in changes if c.add]
    deleted = [c.definition.build_delete_request(c.delete) for c in changes if c.delete]
    return dg.SensorResult(
        dynamic_partitions_requests=[*added, *deleted],
        cursor="looked",
        skip_reason=None if added or deleted else "The partitions are right.",
    )


@dg.sensor(
    name="collect_finished_batches",
    job=backfill_prompt_version,
    minimum_interval_seconds=300,
    default_status=STATUS,
    description="Collects the answers of batches that have ended, and writes their scores.",
)
def collect_finished_batches(
    context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Move open batches one step; a batch once collected asks for its shards' scores."""
    from recfeat_pipeline.extraction.backends.batch import choose_transport, poll
    from recfeat_pipeline.extraction.engine import limits_of

    lake = Lake(settings.lake)
    if any(batch.status in OPEN for batch in load_all(lake)):
        transport = choose_transport(settings, settings.llm_batch_folder)
        report = poll(lake, transport, limits=limits_of(settings), prices=settings.prompts)
        for message in report.messages:
            context.log.warning(message)
    seen = set((context.cursor or "").split())
    collected = [b for b in load_all(lake) if b.status == "collected" and b.name not in seen]
    if not collected:
        yield dg.SkipReason("No batch has ended since the last look.")
    for batch in collected:
        if not is_about_items(batch.version, settings):
            continue  # its answers are in the ledger; the command that asked takes them from there
        for shard in calls_of(lake, batch.name)["shard"].unique().sort():
            key = dg.MultiPartitionKey({"version": batch.version, "shard": shard})
            yield dg.RunRequest(
                run_key=f"{batch.name}/{shard}", partition_key=key, tags={UNATTENDED: "true"}
            )
    context.update_cursor(" ".join(sorted(seen | {batch.name for batch in collected})))


@dg.sensor(
    name="retrain_when_enough_changed",
    job=run_full_experiment,
    minimum_interval_seconds=600,
    default_status=STATUS,
    description="Trains the models that read LLM scores again, once a share of the corpus "
    "(RECFEAT_RETRAIN_SHARE, 5 %) has other scores than they saw.",
)
def retrain_when_enough_changed(settings: dg.ResourceParam[Settings]) -> dg.SensorResult:
    """One run per model that is out of date; the same model is asked for once."""
    lake = Lake(settings.lake)
    promoted = lake.meta.get("promoted")
    if promoted is None or built(lake) is None:
        return dg.SensorResult(skip_reason="Nothing has been extracted yet.")
    with open_store(lake, wait_seconds=10) as store:
        now = seen_now(store, promoted)
    stale = runs_to_repeat(runs_of_promoted_scores(lake), now, promoted, settings.retrain_share)
    if not stale:
        reason = f"Less than {settings.retrain_share:.0%} of the items have changed."
        return dg.SensorResult(skip_reason=reason)
    requests = [
        dg.RunRequest(
            run_key=f"{run.arm}/{run.seed}/{run.made_from[:16]}/{frame_hash(now)}",
            partition_key=arm_seed_key(run.arm, run.seed),
            run_config={"ops": {"two_tower": {"config": {"steps": run.steps or None}}}},
            tags={UNATTENDED: "true"},
        )
        for run in stale
    ]
    keys = [str(request.partition_key) for request in requests]  # of a lake older than the instance
    return dg.SensorResult(
        run_requests=requests, dynamic_partitions_requests=[arm_seeds.build_add_request(keys)]
    )


@dg.sensor(
    name="end_abandoned_runs",
    minimum_interval_seconds=60,
    default_status=ON,
    description="Marks runs as failed whose process is gone, so that nothing waits for them.",
)
def end_abandoned_runs(
    context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]
) -> dg.SkipReason:
    """A killed run is continued by starting it again."""
    ended = end_abandoned(Lake(settings.lake), context.instance)
    return dg.SkipReason(f"{len(ended)} runs were abandoned. {' '.join(ended)}".strip())


sensors = [
    follow_changes,
    register_prompt_versions,
    keep_partitions,
    collect_finished_batches,
    retrain_when_enough_changed,
    end_abandoned_runs,
    *alerts,
]
