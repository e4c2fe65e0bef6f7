"""The run history's SQLite: engines are kept, connections are not, and nobody waits for a flush."""

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
    assert isinstance(made.pool, NullPool), "what forks shares no connection"
    with made.connect() as connection:
        pragmas = ["synchronous", "busy_timeout"]
        found = [connection.execute(sqlalchemy.text(f"PRAGMA {p}")).scalar() for p in pragmas]
    assert found == [0, 1000 * history.BUSY_SECONDS]


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
