"""``recfeat serve`` and ``recfeat mcp``: features and recommendations for other programs."""

from typing import Annotated

import typer

from recfeat_pipeline.commands.options import VersionOption
from recfeat_pipeline.commands.output import hint
from recfeat_pipeline.commands.ui import HostOption, PortOption
from recfeat_pipeline.errors import RecfeatError

LLMOption = Annotated[
    bool,
    typer.Option(
        "--llm",
        help="Let requests that want it be reordered, and words be read, by an LLM (rerank-v1, "
        "ask-v1): through the ledger, within RECFEAT_LLM_BUDGET_USD and the day's budget.",
    ),
]
SecondsOption = Annotated[
    float,
    typer.Option(
        "--llm-seconds",
        min=0.05,
        help="How long a request waits for the LLM; then the arm's order stands.",
    ),
]

MISSING = "is not installed: pip install 'recfeat_pipeline[serve]'."


def serve(
    context: typer.Context,
    port: PortOption = 8000,
    host: HostOption = "127.0.0.1",
    prompt_version: VersionOption = None,
    llm: LLMOption = False,
    llm_seconds: SecondsOption = 2.0,
) -> None:
    """Serve items, neighbours, recommendations and answers to words over HTTP.

    Works from the feature store and the trained arms; an LLM is asked with --llm alone, and only
    for requests that want it. /docs describes the routes, /metrics counts them. A store that is
    built anew is served within seconds, without a pause.

    $ recfeat serve
    $ recfeat serve --port 8001 --prompt-version genome132-v1
    $ recfeat serve --llm --llm-seconds 1.5
    """
    import importlib.util

    from recfeat_pipeline.commands.lakes import open_lake
    from recfeat_pipeline.commands.ports import check_port

    if any(
        importlib.util.find_spec(name) is None for name in ("fastapi_offline", "prometheus_client")
    ):
        raise RecfeatError(f"The server {MISSING}")
    check_port(host, port)
    import uvicorn

    from recfeat_pipeline.commands.llm import open_llm
    from recfeat_pipeline.commands.serving import SECONDS, open_current
    from recfeat_pipeline.serving.http import build_app

    settings = context.obj.settings
    lake = open_lake(settings)
    asked = open_llm(lake, settings, llm_seconds) if llm else None
    current = open_current(lake, prompt_version, asked)
    current.watch(SECONDS)
    hint(f"Serving on http://{host}:{port}, described at /docs (lake {lake.root}); Ctrl-C stops.")
    current.warm()
    app = build_app(current, lambda: current.is_ready)
    uvicorn.run(app, host=host, port=port, log_level="warning")


def mcp(
    context: typer.Context,
    prompt_version: VersionOption = None,
    llm: LLMOption = False,
    llm_seconds: SecondsOption = 2.0,
) -> None:
    """Serve the same as tools for agents, over MCP on standard input and output.

    $ recfeat mcp
    """
    import importlib.util

    from recfeat_pipeline.commands.lakes import open_lake

    if importlib.util.find_spec("mcp") is None:
        raise RecfeatError(f"The MCP server {MISSING}")
    from recfeat_pipeline.commands.llm import open_llm
    from recfeat_pipeline.commands.serving import SECONDS, open_current
    from recfeat_pipeline.serving.mcp import build_server

    settings = context.obj.settings
    lake = open_lake(settings)
    asked = open_llm(lake, settings, llm_seconds) if llm else None
    current = open_current(lake, prompt_version, asked)
    current.watch(SECONDS)
    build_server(current).run()
