"""``recfeat explore``: a local page over the feature store and the trained arms."""

import typer

from recfeat_pipeline.commands.output import say
from recfeat_pipeline.commands.ui import HostOption, PortOption
from recfeat_pipeline.errors import RecfeatError


def explore(
    context: typer.Context, port: PortOption = 8080, host: HostOption = "127.0.0.1"
) -> None:
    """Serve a page to look at single items: fingerprints, neighbours, recommendations.

    Works from the feature store and the trained arms alone: no key, no network.

    $ recfeat explore
    $ recfeat explore --port 8081
    """
    import importlib.util

    from recfeat_pipeline.commands.lakes import open_lake
    from recfeat_pipeline.commands.ports import check_port

    if importlib.util.find_spec("nicegui") is None:
        raise RecfeatError("Explore is not installed: pip install 'recfeat_pipeline[explore]'.")
    check_port(host, port)
    from recfeat_pipeline.commands.explorer import open_explorer
    from recfeat_pipeline.explore.app import serve

    settings = context.obj.settings
    lake = open_lake(settings)
    explorer = open_explorer(lake, settings.sources)
    say(f"Explore on http://{host}:{port} (lake {lake.root}); Ctrl-C stops it.")
    try:
        serve(explorer, host, port)
    except KeyboardInterrupt:
        say("Stopped.")
