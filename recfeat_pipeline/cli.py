"""The ``recfeat`` command: composes the commands, and turns what they raise into an exit code.

Each command is a module in ``commands/``. Heavy packages are imported inside the commands that need
them, so that ``recfeat --help`` answers at once.
"""

import errno
import gc
import inspect
import logging
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.markup import escape

from recfeat_pipeline import __version__
from recfeat_pipeline.commands.arms import arms
from recfeat_pipeline.commands.ask import ask
from recfeat_pipeline.commands.backfill import backfill
from recfeat_pipeline.commands.batches import batches
from recfeat_pipeline.commands.check import check
from recfeat_pipeline.commands.distil import distil
from recfeat_pipeline.commands.doctor import doctor
from recfeat_pipeline.commands.download import download
from recfeat_pipeline.commands.estimate import estimate
from recfeat_pipeline.commands.explore import explore
from recfeat_pipeline.commands.export import export
from recfeat_pipeline.commands.fingerprint import fingerprint
from recfeat_pipeline.commands.import_profiles import import_profiles
from recfeat_pipeline.commands.import_scores import import_scores
from recfeat_pipeline.commands.init import init
from recfeat_pipeline.commands.invocation import Invocation
from recfeat_pipeline.commands.neighbours import neighbours
from recfeat_pipeline.commands.output import Hints, complain, hint, say
from recfeat_pipeline.commands.power import power
from recfeat_pipeline.commands.profiles import app as profiles
from recfeat_pipeline.commands.prompts import app as prompts
from recfeat_pipeline.commands.rank import app as rank
from recfeat_pipeline.commands.reliability import reliability
from recfeat_pipeline.commands.report import report
from recfeat_pipeline.commands.run import run
from recfeat_pipeline.commands.score_item import score_item
from recfeat_pipeline.commands.semantic_ids import semantic_ids
from recfeat_pipeline.commands.serve import mcp, serve
from recfeat_pipeline.commands.status import status
from recfeat_pipeline.commands.taxonomy import app as taxonomy
from recfeat_pipeline.commands.text import app as text_app
from recfeat_pipeline.commands.ui import ui
from recfeat_pipeline.errors import RecfeatError

HELP = """\
Are LLM-generated item features worth it for your recommender? Measure it, then run it.

`recfeat run` runs the whole pipeline on an embedded catalogue, without a key. For your own:
init, check, estimate, run, report. Settings come from the environment; `doctor` shows them.
"""
EPILOG = (
    "Exit codes: 0 done; 1 something that you can mend, said in one sentence; 2 wrong usage; "
    "3 `check`, `doctor` or `status --exit-code` found a problem; 130 interrupted, and the same "
    "command continues."
)
INTERRUPTED = 130
COLLECT_AFTER = (50_000, 20, 10)
"""New objects until Python looks for cycles among them, and such looks until one at older objects:
by default looking at all that Dagster's definitions keep alive is a tenth of a command."""
PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    "Your catalogue": (init, check, estimate, download),
    "Run": (run, status, report, ui, doctor),
    "Features": (
        explore,
        ask,
        fingerprint,
        neighbours,
        export,
        score_item,
        import_profiles,
        import_scores,
        distil,
    ),
    "Serve": (serve, mcp),
    "Experiments": (arms, backfill, batches, power, reliability, semantic_ids),
}

app = typer.Typer(
    name="recfeat",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
)


def help_of(text: str) -> str:
    """A docstring as help: prose is folded anew, lines that begin with ``$`` are examples."""
    paragraphs = []
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        lines = escape(paragraph).splitlines()
        examples = paragraph.startswith("$ ")
        paragraphs += ["\n".join(f"[cyan]{e}[/]" for e in lines) if examples else " ".join(lines)]
    return "\n\n".join(paragraphs)


@app.callback(help=help_of(HELP), invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks; goes anywhere in the command.")
    ] = False,
) -> None:
    """Options that come before the command."""
    if version:
        say(__version__)
        raise typer.Exit


def _register() -> None:
    for panel, commands in PANELS.items():
        for command in commands:
            name = command.__name__.replace("_", "-")
            text = help_of(command.__doc__ or "")
            app.command(name, help=text, rich_help_panel=panel)(command)
    groups = {
        prompts: "Experiments", taxonomy: "Experiments", rank: "Experiments",
        text_app: "Your catalogue", profiles: "Features",
    }  # fmt: skip
    for group, panel in groups.items():
        for command_info in group.registered_commands:
            assert command_info.callback is not None
            command_info.help = help_of(command_info.callback.__doc__ or "")
        app.add_typer(group, rich_help_panel=panel)


_register()


def main() -> None:
    """Entry point of the ``recfeat`` command."""
    signal.signal(signal.SIGTERM, _interrupt)
    gc.set_threshold(*COLLECT_AFTER)
    if "--debug" not in sys.argv:
        warnings.simplefilter("ignore")  # other packages' advice to programmers
    code = run_app()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass  # the reader, `head` for one, has seen enough
    # Everything is closed by now. A regular exit would print pages of DuckDB's "nanobind: leaked"
    # warnings whenever torch is loaded as well, which mean nothing.
    os._exit(code)


def run_app(arguments: list[str] | None = None) -> int:
    """Run a command line and return its exit code.

    One sentence per user error; a traceback only with ``--debug``, or for a bug of ours.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    logging.getLogger("recfeat_pipeline").handlers[:] = [Hints()]
    debug = "--debug" in arguments
    try:
        words = [word for word in arguments if word != "--debug"]
        code = app(words, prog_name="recfeat", standalone_mode=False, obj=Invocation(words)) or 0
        if code == INTERRUPTED:
            hint("Interrupted. What is done is kept: the same command continues.", style="yellow")
        return code
    except typer.TyperException as error:  # a usage error; empty when it has printed the help
        if str(error):
            context: Any = getattr(error, "ctx", None)
            command = context.command_path if context else "recfeat"
            message = error.format_message().rstrip(".")
            stop = "" if message.endswith("?") else "."
            complain(f"{message}{stop} See `{command} --help`.")
        return 2
    except typer.Abort:  # Ctrl-C at a question
        hint("Interrupted at a question; nothing was sent.", style="yellow")
        return INTERRUPTED
    except BrokenPipeError:
        return 0
    except (RecfeatError, OSError) as error:
        sentence = str(error) if isinstance(error, RecfeatError) else sentence_of(error)
        if debug or sentence is None:
            traceback.print_exc()
        if sentence is not None:
            complain(sentence)
        return getattr(error, "exit_code", 1)


def sentence_of(error: OSError) -> str | None:
    """What a machine's own trouble means to the user; None when it is no such trouble."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full{where}. Free some space and run again; what is done is kept."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"No permission{where}: {error.strerror}. Mend the permissions of the file or folder, "
            "or name another place (RECFEAT_LAKE)."
        )
    if error.errno == errno.EMFILE:
        return "Too many open files. Raise the limit (`ulimit -n 4096`) and run again."
    return None


def _interrupt(signum: int, frame: object) -> None:
    """A polite stop from outside (`kill`, a container's end) is like Ctrl-C."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
