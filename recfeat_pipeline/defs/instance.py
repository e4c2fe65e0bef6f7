"""The Dagster instance of a lake: persistent, so that the UI shows what the command line ran."""

import hashlib
import os
from pathlib import Path

import dagster as dg
import sqlalchemy
import yaml

from recfeat_pipeline.defs.history import BUSY_SECONDS, quicken
from recfeat_pipeline.defs.running import end_abandoned
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake

SHIPPED = Path(__file__).with_name("dagster.yaml")
SHIPPED_BEFORE = {"4469eaff"}  # first digits of SHA-256: replaced where nobody has edited them
COMMAND_LINE = "command_line.yaml"
WATCHED = "EVENT_LOG_CONSUMER_CURSOR"  # what Dagster's daemon calls how far it has read
RUN_FAILED, RUN_DONE = dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_SUCCESS
NO_CAPTURE = {
    "module": "dagster._core.storage.noop_compute_log_manager",
    "class": "NoOpComputeLogManager",
}


def dagster_home(lake: Lake) -> Path:
    """``DAGSTER_HOME`` if set, else the lake's own; made ready for use and exported.

    Raises:
        RecfeatError: it cannot be written.
    """
    home = Path(os.environ.get("DAGSTER_HOME") or lake.state / "dagster_home").resolve()
    try:
        home.mkdir(parents=True, exist_ok=True)
        config = home / "dagster.yaml"
        if not config.exists() or _digest(config) in SHIPPED_BEFORE:
            config.write_bytes(SHIPPED.read_bytes())
    except OSError as error:
        raise RecfeatError(
            f"The run history {home} cannot be written ({error.strerror}). A run needs a lake that "
            "it can write, or a DAGSTER_HOME elsewhere; `status`, `explore` and `export` read one."
        ) from error
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ.setdefault("DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS", "900")  # to collect a big batch
    return home


def open_instance(lake: Lake) -> dg.DagsterInstance:
    """The lake's instance, as a command uses it: what a step prints goes to the terminal.

    Capturing it, as the UI's runs do, would start four processes per run, hide the terminal from
    progress bars, and let Ctrl-C print a traceback from each of those processes.
    """
    home = dagster_home(lake)
    config = yaml.safe_load((home / "dagster.yaml").read_text(encoding="utf-8")) or {}
    own = home / COMMAND_LINE
    own.touch(mode=0o600)  # the user's own configuration may hold a password
    own.write_text(yaml.safe_dump({**config, "compute_logs": NO_CAPTURE}), encoding="utf-8")
    instance = join_instance(lake)
    end_abandoned(lake, instance)
    return instance


def begin_watching(instance: dg.DagsterInstance) -> None:
    """Let the daemon that starts runs again begin at the end of the history.

    It would do so by itself, and warn of it twice whenever a lake's UI is opened first.
    """
    cursors = instance.daemon_cursor_storage
    keys = {f"{WATCHED}-{kind.value}" for kind in (RUN_FAILED, RUN_DONE)}
    if missing := keys - cursors.get_cursor_values(keys).keys():
        end = str(instance.event_log_storage.get_maximum_record_id() or 0)
        cursors.set_cursor_values(dict.fromkeys(missing, end))


def join_instance(lake: Lake) -> dg.DagsterInstance:
    """The lake's instance in a further process of a command that has opened it."""
    quicken()
    return dg.DagsterInstance.from_config(str(dagster_home(lake)), COMMAND_LINE)


def history_trouble(error: sqlalchemy.exc.DBAPIError) -> RecfeatError:
    """What the run history's database has, as a sentence."""
    home, what = os.environ.get("DAGSTER_HOME", "of this lake"), str(error.orig)
    if "locked" in what:
        return RecfeatError(
            f"The run history {home} is locked by another program (waited {BUSY_SECONDS} s). Close "
            "what has its SQLite files open, then run the same command again."
        )
    if "disk is full" in what or "No space left" in what:
        return RecfeatError(
            f"The disk of the run history {home} is full. Free some space, then run "
            "the same command again; what was answered is kept."
        )
    if "readonly" in what or "unable to open" in what:
        return RecfeatError(
            f"The run history {home} cannot be written ({what}). Mend its permissions, or name "
            "another place with DAGSTER_HOME."
        )
    return RecfeatError(
        f"The run history {home} cannot be used ({what.splitlines()[0]}). A damaged one can be "
        "moved away: nothing that was paid for is kept there. One on Postgres must be reachable."
    )


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:8]
