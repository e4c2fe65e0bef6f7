"""``recfeat ui``: the Dagster UI on this lake."""

from typing import Annotated

import typer

from recfeat_pipeline.commands.output import say
from recfeat_pipeline.errors import RecfeatError

PortOption = Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")]
HostOption = Annotated[
    str, typer.Option(metavar="HOST", help="Address to listen on; it asks for no password.")
]
PATHS = ("RECFEAT_CATALOG", "RECFEAT_PROMPTS")  # settings that may be relative paths


def ui(context: typer.Context, port: PortOption = 3000, host: HostOption = "127.0.0.1") -> None:
    """Serve the Dagster UI on this lake: the asset graph, every run, every figure.

    $ recfeat ui
    $ recfeat ui --port 3001
    """
    import importlib.util
    import os
    import sys
    from pathlib import Path

    from recfeat_pipeline.commands.guard import run_guarded
    from recfeat_pipeline.commands.ports import check_port
    from recfeat_pipeline.defs.instance import begin_watching, dagster_home, open_instance
    from recfeat_pipeline.defs.known import keep_partitions
    from recfeat_pipeline.migrations import open_lake

    if importlib.util.find_spec("dagster_webserver") is None:
        raise RecfeatError("The UI is not installed: pip install 'recfeat_pipeline[ui]'.")
    check_port(host, port)
    settings = context.obj.settings
    lake = open_lake(settings.lake)
    lake.open()
    with open_instance(lake) as instance:
        begin_watching(instance)
        keep_partitions(lake, settings.prompts, instance)
    home = dagster_home(lake)
    # Dagster works from its home folder, where relative paths would mean something else.
    paths = {name: str(Path(os.environ[name]).resolve()) for name in PATHS if name in os.environ}
    ours = {"RECFEAT_LAKE": lake.root, "DAGSTER_HOME": str(home), "PYTHONWARNINGS": "ignore"}
    say(f"Dagster UI on http://{host}:{port} (lake {lake.root}) in a moment; Ctrl-C stops it.")
    command = [sys.executable, "-m", "dagster", "dev", "-m", "recfeat_pipeline.definitions"]
    try:
        code = run_guarded(
            [*command, "-h", host, "-p", str(port), "--log-level", "warning"],
            home,
            {**os.environ, **paths, **ours},
        )
    except KeyboardInterrupt:
        say("Stopped.")
        return
    raise RecfeatError(
        f"The Dagster UI ended by itself (exit code {code}); what it printed above says why. Start "
        "it again: runs that it had begun go on where they stopped."
    )
