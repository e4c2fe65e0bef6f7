"""``recfeat download``: a MovieLens release."""

from pathlib import Path
from typing import Annotated

import typer

from recfeat_pipeline.commands.output import say


def download(
    name: Annotated[str, typer.Argument(metavar="NAME", help="ml-32m, ml-25m, ml-latest-small, …")],
    folder: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to put it.")] = Path("."),
) -> None:
    """Download a MovieLens release from GroupLens, whose terms apply: no redistribution.

    Resumable, checked against its published MD5, unpacked whole or not at all.

    $ recfeat download ml-latest-small
    $ recfeat download ml-32m --folder ~/data
    """
    from recfeat_pipeline.catalog.download import download as fetch
    from recfeat_pipeline.commands.progress import bar

    with bar(f"Downloading {name}", unit="B") as progress:
        path = fetch(name, folder, progress=progress)
    say(f"{path} is ready: recfeat run --catalog {path}")
