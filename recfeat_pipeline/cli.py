"""The ``recfeat`` command.

Commands read settings, call one function, and print. Dagster and torch are imported inside the
commands that need them, so that ``recfeat --help`` answers at once.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from recfeat_pipeline import __version__
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings

app = typer.Typer(
    name="recfeat",
    help="Are LLM-generated item features worth it for your recommender? Measure it, then run it.",
    epilog="Start with `recfeat run`: the whole pipeline on an embedded catalogue, without a key.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()
errors = Console(stderr=True)

CatalogOption = Annotated[
    str | None,
    typer.Option(
        "--catalog",
        help="A catalogue file (.toml) or a MovieLens folder; unset: the one this lake holds, "
        "else the embedded catalogue.",
    ),
]


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Options that come before the command."""
    if version:
        console.print(__version__)
        raise typer.Exit


@app.command()
def run(
    catalog: CatalogOption = None,
    prompt_version: Annotated[
        str, typer.Option(help="Prompt version to extract with (`recfeat prompts list`).")
    ] = "genome132-v1",
    arms: Annotated[
        str, typer.Option(help="Arms to train, by id or label, comma-separated.")
    ] = "popularity,recent_popularity,floor,curated,llm,random",
    seeds: Annotated[str, typer.Option(help="Seeds, comma-separated.")] = "0,1,2",
    steps: Annotated[
        int | None, typer.Option(min=1, help="Training steps per arm; unset: by catalogue size.")
    ] = None,
    until: Annotated[
        str, typer.Option(help="Stop after this stage: a folder of recfeat_pipeline/defs/.")
    ] = "evaluation",
) -> None:
    """Run the pipeline, from the catalogue to the report.

    Interrupt it whenever you like: what is done is kept, and the same command continues.

        recfeat run
        recfeat run --catalog my_catalogue.toml --arms floor,llm,random --seeds 0,1,2,3,4
    """
    from recfeat_pipeline.commands.run import run_pipeline

    run_pipeline(console, catalog, prompt_version, arms, _integers("--seeds", seeds), steps, until)


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 3000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Open the Dagster UI on this lake: the asset graph, every run, every figure."""
    from recfeat_pipeline.commands.ui import serve_ui

    serve_ui(console, host, port)


@app.command()
def report(
    output: Annotated[Path | None, typer.Option(help="Also write a copy here.")] = None,
) -> None:
    """Write the report again from the feature store, and say where it is."""
    from recfeat_pipeline.commands.report import write_again

    write_again(console, Lake(Settings().lake), output)


@app.command()
def download(
    name: Annotated[str, typer.Argument(help="ml-32m, ml-25m, ml-latest-small, …")],
    folder: Annotated[Path, typer.Option(help="Where to put it.")] = Path("."),
) -> None:
    """Download a MovieLens release; resumable, and checked against its published MD5."""
    from recfeat_pipeline.catalog.download import download as fetch
    from recfeat_pipeline.commands.progress import RichReporter

    with RichReporter(console).bar(f"Downloading {name}") as progress:
        path = fetch(name, folder, progress=progress)
    console.print(f"{path} is ready: recfeat run --catalog {path}")


def _integers(option: str, text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise RecfeatError(f"{option} {text!r}: give whole numbers, as in 0,1,2.") from None


def main() -> None:
    """Entry point of the ``recfeat`` command."""
    code = run_app()
    sys.stdout.flush()
    sys.stderr.flush()
    # Everything is closed by now. A regular exit would print pages of DuckDB's "nanobind: leaked"
    # warnings whenever torch is loaded as well, which frighten and mean nothing.
    os._exit(code)


def run_app(arguments: list[str] | None = None) -> int:
    """Run a command line and return its exit code.

    One sentence per user error; a traceback only with ``--debug``, or for a bug of ours.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        code = app(arguments, standalone_mode=False)
    except RecfeatError as error:
        if "--debug" in arguments:
            raise
        _complain(str(error))
        return error.exit_code
    except typer.TyperException as error:  # a usage error; empty when it has printed the help
        if str(error):
            message = getattr(error, "format_message", error.__str__)()
            _complain(f"{message.rstrip('.')}. See `recfeat --help`.")
        return 2
    except (KeyboardInterrupt, typer.Abort):
        _complain("interrupted. What is done is kept: the same command continues.")
        return 130
    return code or 0


def _complain(sentence: str) -> None:
    errors.print(f"[bold red]error:[/] {escape(sentence)}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
