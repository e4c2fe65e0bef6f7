"""``recfeat ui``: the Dagster UI on this lake."""

import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from recfeat_pipeline.defs.instance import dagster_home
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings


def serve_ui(console: Console, host: str, port: int) -> None:
    """Run ``dg dev``'s server and daemon on the lake until interrupted.

    Raises:
        RecfeatError: the UI extra is not installed, or the port is taken.
    """
    if importlib.util.find_spec("dagster_webserver") is None:
        raise RecfeatError("The UI is not installed: pip install 'recfeat_pipeline[ui]'.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise RecfeatError(
                f"Port {port} on {host} is in use: give another, --port {port + 1}."
            ) from None
    lake = Lake(Settings().lake)
    home = dagster_home(lake)
    console.print(f"Dagster UI on http://{host}:{port} (lake {lake.root}); Ctrl-C stops it.")
    environment = {**os.environ, "RECFEAT_LAKE": lake.root, "DAGSTER_HOME": str(home)}
    command = [sys.executable, "-m", "dagster", "dev", "-m", "recfeat_pipeline.definitions"]
    try:
        subprocess.run(
            [*command, "-h", host, "-p", str(port)],
            cwd=Path(home),
            env=environment,
            check=False,
        )
    except KeyboardInterrupt:
        console.print("Stopped.")
