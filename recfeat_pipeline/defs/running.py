"""Which runs are alive: nothing of a process that was killed holds a living one back.

Dagster cannot tell, and its automation, its pools and its queue wait for what is in progress. So
the processes of a run hold a lock file named after it, which the operating system frees whatever
ends them; a run says in a tag on which machine that file lies. Where the lake is an object store,
they let machines that share it see their heartbeat as well.
"""

from datetime import UTC, datetime, timedelta

import dagster as dg

from recfeat_pipeline.heartbeats import Heartbeat, forget, is_gone
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.locks import Lock

USER, BY_COMMAND = "user", "(command line)"  # a tag, and how its value ends for a command's runs
MACHINE = "recfeat/machine"  # tag: where the processes of a run hold its lock
GONE = "The process of this run is gone (killed, or the machine restarted)."
NEVER_STARTED = (
    "This run was asked for and never began: its process is gone (killed, or the machine "
    "restarted)."
)
START_IT = "Start it again: it continues where it stopped."
STARTED_AGAIN = "Dagster's daemon starts it again, and it continues where it stopped."
Status = dg.DagsterRunStatus
LAUNCHED = [Status.NOT_STARTED, Status.STARTING]
UNFINISHED = [*LAUNCHED, Status.STARTED, Status.CANCELING]  # queued ones wait for no process

_held: dict[str, tuple[Lock, Heartbeat | None]] = {}


def hold(lake: Lake, run_id: str) -> None:
    """Hold the run's lock until this process ends or holds another run's.

    Not until the run ends: it is marked as ended only a moment after its last step. Shared, since a
    run may have a process for each step.
    """
    for other in [other for other in _held if other != run_id]:
        release(other)
    if run_id not in _held:
        lock = lake.lock(f"run-{run_id}", shared=True)
        lock.acquire()
        _held[run_id] = lock, None if lake.is_local else Heartbeat(lake, _name(run_id))


def release(run_id: str) -> None:
    """Hold the run's lock no longer."""
    lock, heartbeat = _held.pop(run_id)
    if heartbeat is not None:
        heartbeat.stop()
    lock.release()


def _name(run_id: str) -> str:
    return f"run-{run_id}"


def end_abandoned(lake: Lake, instance: dg.DagsterInstance) -> list[str]:
    """Mark runs as failed whose process is gone, and free their pools; returns their ids."""
    ended = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED)):
        run = record.dagster_run
        if reason := _why_gone(lake, instance, run, record.update_timestamp):
            what_next = STARTED_AGAIN if _is_retried(instance, run) else START_IT
            instance.report_run_failed(run, message=f"{reason} {what_next}")
            ended.append(run.run_id)
            if not lake.is_local:
                forget(lake, _name(run.run_id))
    _sweep_locks(lake, instance)
    free_pools(instance)
    return ended


def _why_gone(
    lake: Lake, instance: dg.DagsterInstance, run: dg.DagsterRun, changed: datetime
) -> str | None:
    """Why a run that is not finished will never be; None: it may be alive."""
    lock = lake.lock(f"run-{run.run_id}")
    if lock.path.exists():
        return GONE if lock.is_free() else None
    # Never held here. A tag of this machine is then one that a retry has inherited from the run
    # whose process died: its own is starting.
    where = run.tags.get(MACHINE)
    if where not in (None, lake.machine) and run.status not in LAUNCHED:
        return GONE if not lake.is_local and is_gone(lake, _name(run.run_id)) else None
    patience = timedelta(seconds=instance.run_monitoring_start_timeout_seconds)
    if datetime.now(UTC) - changed.astimezone(UTC) < patience:
        return None
    return NEVER_STARTED if run.status in LAUNCHED else GONE


def _is_retried(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether Dagster will start a run again that failed: not one of a command, nor for ever."""
    before = int(run.tags.get("dagster/retry_number", 0))
    return (
        instance.run_retries_enabled
        and run.remote_job_origin is not None
        and before < instance.run_retries_max_retries
    )


def _sweep_locks(lake: Lake, instance: dg.DagsterInstance) -> None:
    for path in sorted((lake.state / "locks").glob("run-*.lock")):
        run_id = path.stem.removeprefix("run-")
        run = instance.get_run_by_id(run_id)
        if (run is None or run.is_finished) and Lock(path).is_free():
            path.unlink(missing_ok=True)


def free_pools(instance: dg.DagsterInstance) -> None:
    """Free the slots, and the places in the queue for them, of runs that are over or unknown.

    A slot alone is not enough: it would pass to the next in the queue, which may be dead as well.
    """
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return
    waiting = storage.get_concurrency_run_ids()
    for pool in storage.get_concurrency_keys():
        waiting |= storage.get_concurrency_info(pool).active_run_ids
    for run_id in waiting:
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            storage.free_concurrency_slots_for_run(run_id)
