from types import SimpleNamespace

import dagster as dg
import pytest
import sqlalchemy
from dagster._daemon.auto_run_reexecution.event_log_consumer import EventLogConsumerDaemon

from recfeat_pipeline.defs.instance import begin_watching, history_trouble


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("database is locked", "is locked by another program"),
        ("attempt to write a readonly database", "cannot be written"),
        ("unable to open database file", "cannot be written"),
        ("database or disk is full", "is full. Free some space"),
        ("file is not a database", "can be moved away"),
    ],
)
def test_what_a_history_has_is_a_sentence(what, said):
    error = sqlalchemy.exc.OperationalError("SELECT 1", {}, Exception(what))
    assert said in str(history_trouble(error))


@pytest.mark.parametrize("begun", [False, True])
def test_the_daemon_warns_of_no_cursor_where_one_was_set(begun, caplog):
    """What the daemon calls its cursors is Dagster's own affair, so it is asked itself."""
    with dg.DagsterInstance.ephemeral() as instance:
        if begun:
            begin_watching(instance)
        list(EventLogConsumerDaemon().run_iteration(SimpleNamespace(instance=instance)))
    assert ("No cursor" in caplog.text) == (not begun)


def test_a_daemon_that_has_read_on_is_not_sent_back():
    with dg.DagsterInstance.ephemeral() as instance:
        begin_watching(instance)
        cursors = instance.daemon_cursor_storage
        name = f"EVENT_LOG_CONSUMER_CURSOR-{dg.DagsterEventType.RUN_FAILURE.value}"
        cursors.set_cursor_values({name: "17"})
        begin_watching(instance)
        assert cursors.get_cursor_values({name}) == {name: "17"}
