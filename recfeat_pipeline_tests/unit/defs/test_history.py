"""The run history on SQLite: engines are kept, connections while a run lasts, nothing flushed."""

import logging
import os
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy
from sqlalchemy.pool import NullPool

from recfeat_pipeline.defs import history


@pytest.fixture(autouse=True)
def _quick():
    history.quicken()
    history.quicken()  # as each command of a process does


@pytest.mark.parametrize("storage", history.STORAGES, ids=lambda storage: storage.__name__)
def test_a_database_has_one_engine(storage, tmp_path):
    one, other = (f"sqlite:///{tmp_path / name}.db" for name in ("one", "other"))
    made = storage.create_engine(one, poolclass=NullPool, connect_args={"timeout": 3})
    assert storage.create_engine(one, poolclass=NullPool, connect_args={"timeout": 3}) is made
    assert storage.create_engine(other, poolclass=NullPool, connect_args={"timeout": 3}) is not made
    with made.connect() as connection:
        pragmas = ["synchronous", "busy_timeout"]
        found = [connection.execute(sqlalchemy.text(f"PRAGMA {p}")).scalar() for p in pragmas]
    assert found == [0, 1000 * history.BUSY_SECONDS]


def test_a_connection_is_kept_while_a_run_lasts_and_no_longer(tmp_path, caplog):
    """Between runs a process may fork, and a lake may be moved."""
    caplog.set_level("INFO", "recfeat_pipeline")
    file = tmp_path / "index.db"
    engine = history.sqlite_event_log.create_engine(f"sqlite:///{file}", poolclass=NullPool)

    def ask() -> list[str]:
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("PRAGMA journal_mode = WAL"))
        engine.dispose()  # as Dagster does after each event
        return [link for link in map(_target, Path("/proc/self/fd").iterdir()) if link == str(file)]

    assert not ask()
    with history.connected():
        assert ask() == ask() == [str(file)]
        with history.connected():
            pass
        assert ask() == [str(file)]
    assert not ask()
    assert not caplog.records, "the terminal shows them"


def _target(descriptor: Path) -> str:
    """The file that is open; nothing where it has just been closed."""
    return os.readlink(descriptor) if descriptor.is_symlink() else ""


def test_a_history_whose_folder_was_made_anew_is_empty(tmp_path):
    """An engine that is kept reads what is there now."""

    home = tmp_path / "home"

    def count(add: bool) -> int:
        home.mkdir(exist_ok=True)
        with dg.DagsterInstance.local_temp(str(home)) as instance:
            if add:
                instance.create_run_for_job(dg.job(name="nothing")(lambda: None))
            return instance.get_runs_count()

    assert count(add=True) == 1
    assert count(add=False) == 1
    home.rename(tmp_path / "gone")
    assert count(add=False) == 0


def test_what_a_database_has_is_asked_once_and_what_it_lacks_again(tmp_path):
    """Another program may add it meanwhile."""
    asked = []

    def note(connection, cursor, statement, *_):
        asked.append(statement)

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    try:
        with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
            storage = instance.event_log_storage
            for ask, has, lacks in (
                (storage.has_table, "asset_keys", "asset_locks"),
                (storage.has_asset_key_col, "cached_status_data", "cached_weather"),
            ):
                assert ask(has)
                asked.clear()
                assert ask(has)
                assert not asked
                assert not ask(lacks)
                asked.clear()
                assert not ask(lacks)
                assert asked
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)


def test_what_happens_to_connections_is_no_news_for_the_terminal():
    logger = logging.getLogger("recfeat_pipeline.defs.history.Kept")
    assert not logger.isEnabledFor(logging.INFO)
