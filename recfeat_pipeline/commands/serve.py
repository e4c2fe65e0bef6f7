"""``recfeat serve`` and ``recfeat mcp``: features and recommendations for other programs."""

import typer

from recfeat_pipeline.commands.options import VersionOption
from recfeat_pipeline.commands.output import hint
from recfeat_pipeline.commands.ui import HostOption, PortOption
from recfeat_pipeline.errors import RecfeatError

MISSING = "is not installed: pip install 'recfeat_pipeline[serve]'."


def serve(
    context: typer.Context,
    port: PortOption = 8000,
    host: HostOption = "127.0.0.1",
    prompt_version: VersionOption = None,
) -> None:
    """Serve items, neighbours, recommendations and answers to words over HTTP.

    Works from the feature store and the trained arms: no LLM is asked. /docs describes the routes,
    /metrics counts them. A store that is built anew is served within seconds, without a pause.

    $ recfeat serve
    $ recfeat serve --port 8001 --prompt-version genome132-v1
    """
    import importlib.util

    from recfeat_pipeline.commands.lakes import open_lake
    from recfeat_pipeline.commands.ports import check_port

    if any(importlib.util.find_spec(name) is None for name in ("fastapi", "prometheus_client")):
        raise RecfeatError(f"The server {MISSING}")
    check_port(host, port)
    import uvicorn

    from recfeat_pipeline.commands.serving import SECONDS, open_current
    from recfeat_pipeline.serving.http import build_app

    lake = open_lake(context.obj.settings)
    current = open_current(lake, prompt_version)
    current.watch(SECONDS)
    hint(f"Serving on http://{host}:{port}, described at /docs (lake {lake.root}); Ctrl-C stops.")
    uvicorn.run(build_app(current), host=host, port=port, log_level="warning")


def mcp(context: typer.Context, prompt_version: VersionOption = None) -> None:
    """Serve the same as tools for agents, over MCP on standard input and output.

    $ recfeat mcp
    """
    import importlib.util

    from recfeat_pipeline.commands.lakes import open_lake

    if importlib.util.find_spec("mcp") is None:
        raise RecfeatError(f"The MCP server {MISSING}")
    from recfeat_pipeline.commands.serving import SECONDS, open_current
    from recfeat_pipeline.serving.mcp import build_server

    current = open_current(open_lake(context.obj.settings), prompt_version)
    current.watch(SECONDS)
    build_server(current).run()
