"""What the webhook is told: the sentence written for people, by the assets' names, once."""

import json

import dagster as dg
import pytest

from recfeat_pipeline.defs import alerting, running
from recfeat_pipeline.defs.running import end_abandoned
from recfeat_pipeline.defs.schedules import refresh_text_daily
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.runner import DeadEndpointError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings


@pytest.fixture(scope="module")
def instance():
    with dg.instance_for_test() as instance:
        yield instance


@pytest.fixture
def lake(tmp_path, monkeypatch):
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path / "lake"))
    return Lake(tmp_path / "lake")


@pytest.fixture
def posted(monkeypatch, lake):
    """What is posted, which holds no token."""
    sent: list[dict] = []
    monkeypatch.setattr(alerting, "post_alert", lambda webhook, alert: sent.append(alert))
    monkeypatch.setenv("RECFEAT_ALERT_WEBHOOK", "http://127.0.0.1:1/T0K3N")
    yield sent
    assert "T0K3N" not in json.dumps(sent)


def alert_of(run: dg.DagsterRun, event: dg.DagsterEvent, instance: dg.DagsterInstance) -> None:
    context = dg.build_run_status_sensor_context(
        sensor_name="alert_of_failed_runs",
        dagster_instance=instance,
        dagster_run=run,
        dagster_event=event,
    ).for_run_failure()
    alerting.alert_of_failed_runs(context, settings=Settings())


def fail(instance: dg.DagsterInstance, error: Exception, cause: Exception | None = None) -> None:
    """A run of an op that has the name of TMDB's."""

    @dg.op
    def lake__tmdb() -> None:
        raise error from cause

    @dg.job
    def some_job() -> None:
        lake__tmdb()

    result = some_job.execute_in_process(instance=instance, raise_on_error=False)
    alert_of(result.dagster_run, result.get_run_failure_event(), instance)


def test_it_is_the_sentence_written_for_people_whatever_caused_it(
    posted, lake, instance, monkeypatch
):
    monkeypatch.setenv("TMDB_API_KEY", "hush")
    fail(instance, RecfeatError("TMDB refuses the key hush."), OSError("socket 7 said no"))
    [alert] = posted
    assert alert["reasons"] == ["TMDB refuses the key •••."]
    assert alert["assets"] == ["lake/tmdb"]
    assert alert["text"].startswith("recfeat: lake/tmdb failed in run ")
    assert alert["lake"] == lake.root


def test_a_kind_of_sentence_is_one_as_well(posted, instance):
    fail(instance, DeadEndpointError("The endpoint does not answer."))
    assert posted[0]["reasons"] == ["The endpoint does not answer."]


def test_of_a_bug_only_its_kind_is_told(posted, instance):
    fail(instance, ValueError("private"), KeyError("sk-something-private"))
    assert posted[0]["reasons"] == ["KeyError: the run has the details."]


def test_a_run_whose_process_died_says_so(posted, lake, instance):
    run = instance.add_run(dg.DagsterRun(job_name="j", status=dg.DagsterRunStatus.STARTED))
    path = lake.lock(f"run-{run.run_id}").path
    path.parent.mkdir(parents=True)
    path.touch()
    assert end_abandoned(lake, instance) == [run.run_id]
    [entry] = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    alert_of(instance.get_run_by_id(run.run_id), entry.dagster_event, instance)
    assert posted[0]["reasons"] == [f"{running.GONE} {running.START_IT}"]


def test_a_refresh_that_waits_for_the_one_before_says_for_which(posted, lake, instance):
    run = instance.add_run(dg.DagsterRun(job_name="refresh_text", status=running.Status.STARTED))
    asked = refresh_text_daily(dg.build_schedule_context(instance=instance), settings=Settings())
    assert isinstance(asked, dg.SkipReason)
    assert run.run_id[:8] in asked.skip_message
    assert posted[0]["kind"] == "skipped"
    assert run.run_id[:8] in posted[0]["text"]


def test_a_refresh_does_not_wait_for_a_dead_one(posted, lake, instance):
    dead = instance.add_run(dg.DagsterRun(job_name="refresh_text", status=running.Status.STARTED))
    for run in instance.get_runs(dg.RunsFilter(job_name="refresh_text")):
        path = lake.lock(f"run-{run.run_id}").path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    asked = refresh_text_daily(dg.build_schedule_context(instance=instance), settings=Settings())
    assert isinstance(asked, dg.RunRequest)
    assert instance.get_run_by_id(dead.run_id).is_finished
    assert posted == []


def test_a_check_alerts_when_it_begins_to_warn(posted, instance):
    passes = iter([True, False, False])

    @dg.asset(check_specs=[dg.AssetCheckSpec("is_sound", asset="scores", description="Sound")])
    def scores() -> dg.MaterializeResult:
        warn = dg.AssetCheckSeverity.WARN
        found = dg.AssetCheckResult(passed=next(passes), severity=warn, metadata={"odd": 3})
        return dg.MaterializeResult(check_results=[found])

    for _ in range(3):
        result = dg.materialize([scores], instance=instance)
        [event] = [e for e in result.all_events if e.event_type_value == "PIPELINE_SUCCESS"]
        alerting.alert_of_warnings(
            dg.build_run_status_sensor_context(
                sensor_name="alert_of_warnings",
                dagster_instance=instance,
                dagster_run=result.dagster_run,
                dagster_event=event,
            ),
            settings=Settings(),
        )
    [alert] = posted
    assert alert["kind"] == "warning"
    assert alert["about"] == "scores, check is_sound"
    assert "odd 3" in alert["text"]


def test_an_overdue_asset_alerts_once_until_it_is_fresh_again(posted, instance, monkeypatch):
    late = [(dg.AssetKey(["lake", "tmdb"]), "overdue")]
    monkeypatch.setattr(alerting, "_late", lambda instance: late)
    cursor = None
    for _ in range(2):
        context = dg.build_sensor_context(instance=instance, cursor=cursor)
        cursor = alerting.alert_of_overdue_assets(context, settings=Settings()).cursor
    assert [alert["about"] for alert in posted] == ["lake/tmdb"]
    late.clear()
    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    assert alerting.alert_of_overdue_assets(context, settings=Settings()).cursor == ""
