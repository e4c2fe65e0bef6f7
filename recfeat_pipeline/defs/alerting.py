"""Sensors that tell the webhook of RECFEAT_ALERT_WEBHOOK; all are on wherever that is set.

Only sentences meant for people are sent; of anything else, its kind.
"""

from collections.abc import Iterator

import dagster as dg

from recfeat_pipeline.alerts import failure_alert, notice, post_alert, without_secrets
from recfeat_pipeline.defs.deployment import SETTINGS
from recfeat_pipeline.defs.stages import STAGES
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings

ALERTING = (
    dg.DefaultSensorStatus.RUNNING if SETTINGS.alert_webhook else dg.DefaultSensorStatus.STOPPED
)
NO_WEBHOOK = "RECFEAT_ALERT_WEBHOOK is not set."


def tell(settings: Settings, kind: str, about: str, sentence: str) -> None:
    """Post a notice, where there is a webhook."""
    if settings.alert_webhook is not None:
        sentence = without_secrets(sentence, settings)
        alert = notice(Lake(settings.lake).root, kind, about, sentence)
        post_alert(settings.alert_webhook, alert)


@dg.run_failure_sensor(
    name="alert_of_failed_runs",
    default_status=ALERTING,
    description="Tells the webhook of RECFEAT_ALERT_WEBHOOK which run failed, where and why.",
)
def alert_of_failed_runs(
    context: dg.RunFailureSensorContext, settings: dg.ResourceParam[Settings]
) -> dg.SkipReason | None:
    """What failed, by its assets; a run whose process died has no step that did, but a message."""
    if settings.alert_webhook is None:
        return dg.SkipReason(NO_WEBHOOK)
    events = context.get_step_failure_events()
    reasons = [_reason(event) for event in events] or [context.failure_event.message or ""]
    run = context.dagster_run
    alert = failure_alert(
        Lake(settings.lake).root, run.run_id, run.job_name,
        [name for event in events for name in _assets(event)],
        [without_secrets(reason, settings) for reason in dict.fromkeys(reasons) if reason],
    )  # fmt: skip
    post_alert(settings.alert_webhook, alert)
    return None


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    name="alert_of_warnings",
    default_status=ALERTING,
    description="Tells the webhook of RECFEAT_ALERT_WEBHOOK of a check that warns and did not "
    "before.",
)
def alert_of_warnings(
    context: dg.RunStatusSensorContext, settings: dg.ResourceParam[Settings]
) -> dg.SkipReason | None:
    """Checks that warned in this run, and passed or were not made the time before."""
    evaluated = context.instance.all_logs(
        context.dagster_run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    )
    new = 0
    for entry in evaluated:
        check = entry.asset_check_evaluation
        if check is not None and not check.passed and not _warned_before(context, check):
            found = ", ".join(f"{name} {value.value}" for name, value in check.metadata.items())
            about = f"{check.asset_key.to_user_string()}, check {check.check_name}"
            tell(
                settings,
                "warning",
                about,
                f"{check.description or 'did not pass'} ({found[:300]}).",
            )
            new += 1
    return None if new else dg.SkipReason("No check warns that did not before.")


@dg.sensor(
    name="alert_of_overdue_assets",
    minimum_interval_seconds=600,
    default_status=ALERTING,
    description="Tells the webhook of RECFEAT_ALERT_WEBHOOK of an asset that has become overdue by "
    "its freshness policy.",
)
def alert_of_overdue_assets(
    context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]
) -> dg.SensorResult:
    """Each asset once, until it is fresh again."""
    told = set((context.cursor or "").split())
    overdue = {key.to_user_string(): state for key, state in _late(context.instance)}
    for name in sorted(overdue.keys() - told):
        tell(
            settings,
            "overdue",
            name,
            f"its freshness is {overdue[name]}; `recfeat status` says what is.",
        )
    return dg.SensorResult(
        cursor=" ".join(sorted(overdue)),
        skip_reason=f"Overdue: {', '.join(sorted(overdue)) or 'nothing'}.",
    )


def _late(instance: dg.DagsterInstance) -> Iterator[tuple[dg.AssetKey, str]]:
    keys = [key for assets in STAGES.values() for asset in assets for key in asset.keys]
    for key, record in instance.get_freshness_state_records(keys).items():
        state = str(record.freshness_state.value)
        if state in ("WARN", "FAIL"):
            yield key, "late" if state == "WARN" else "overdue"


def _warned_before(context: dg.RunStatusSensorContext, check: dg.AssetCheckEvaluation) -> bool:
    history = context.instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(check.asset_key, check.check_name), limit=100
    )
    for record in history:
        if record.run_id != context.dagster_run.run_id and record.event is not None:
            before = record.event.asset_check_evaluation
            if before is not None and before.partition == check.partition:
                return not before.passed
    return False


def _assets(event: dg.DagsterEvent) -> list[str]:
    """The assets of a step, as people know them."""
    for asset in (asset for assets in STAGES.values() for asset in assets):
        if asset.node_def.name == event.node_name:
            return sorted(key.to_user_string() for key in asset.keys)
    return [str(event.step_key)]


def _reason(event: dg.DagsterEvent) -> str:
    """The sentence that was written for people, which is the first in the chain of causes."""
    error = event.step_failure_data.error
    if error is None:
        return "It was interrupted."
    ours = {kind.__name__ for kind in _with_kinds(RecfeatError)}
    last = error
    while error:
        if error.cls_name in ours:
            return error.message.partition(": ")[2].strip()
        last, error = error, error.cause
    return f"{last.cls_name}: the run has the details."


def _with_kinds(kind: type) -> Iterator[type]:
    yield kind
    narrower_ones: list[type] = kind.__subclasses__()
    for narrower in narrower_ones:
        yield from _with_kinds(narrower)


alerts = [alert_of_failed_runs, alert_of_warnings, alert_of_overdue_assets]
