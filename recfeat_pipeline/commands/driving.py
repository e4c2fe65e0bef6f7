"""Driving Dagster's assets from a command: what `run` and `backfill` share."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import dagster as dg
import polars as pl
import sqlalchemy
import typer

from recfeat_pipeline.commands.output import dollars, duration, hint, plural
from recfeat_pipeline.commands.progress import bar, fetching
from recfeat_pipeline.defs.drive import Driver
from recfeat_pipeline.defs.extraction.version import paid_model
from recfeat_pipeline.defs.instance import history_trouble, open_instance
from recfeat_pipeline.defs.resources import Reporter
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.engine import limits_of
from recfeat_pipeline.extraction.estimate import estimate
from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings

CONFIRM_ABOVE_USD = 5.0  # on a terminal, asked before a run that may cost more


class TerminalReporter(Reporter):
    """Shows the progress of assets, and their notes, on stderr."""

    bar = staticmethod(bar)
    fetching = staticmethod(fetching)

    def note(self, sentence: str) -> None:
        """See :class:`Reporter`."""
        hint(f"  {sentence}")


@contextmanager
def open_driver(settings: Settings) -> Iterator[Driver]:
    """A driver on the Dagster instance of the settings' lake.

    Raises:
        KeyboardInterrupt: for what Dagster and Lightning make of one.
        RecfeatError: the run history is locked, read-only or damaged.
    """
    # A Ctrl-C that hits while a connection is closed would be logged with a traceback.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    try:
        with open_instance(Lake(settings.lake)) as instance:
            yield Driver(settings, instance, TerminalReporter())
    except (dg.DagsterExecutionInterruptedError, SystemExit):
        raise KeyboardInterrupt from None
    except sqlalchemy.exc.DBAPIError as error:
        raise history_trouble(error) from error


def announce_cost(
    lake: Lake,
    version: PromptVersion,
    settings: Settings,
    confirmed: bool,
    shards: Sequence[str] = (),
    documents: pl.DataFrame | None = None,
    of: str = "item",
) -> None:
    """Say what the extraction will send and cost; on a terminal, ask when it is much.

    Args:
        lake: holds the documents and what was answered.
        version: what will be asked.
        settings: of whom, and within which limits.
        confirmed: whether the user has said yes already.
        shards: only these; none means all.
        documents: what will be asked about; unset: the lake's.
        of: what a document is about.

    Raises:
        RecfeatError: the user said no; nothing was sent.
    """
    if not settings.has_llm:
        answers = "the embedded lexical extractor answers (no LLM)"
        if bought := paid_model(lake, version):
            answers = f"answers bought from {bought} are used"
        hint(f"  No LLM endpoint or key is set: {answers}.")
        return
    model = settings.llm_model or version.model
    limits = limits_of(settings)
    documents = lake.read("documents") if documents is None else documents
    if shards:
        documents = documents.filter(pl.col("shard").is_in(shards))
    expected = estimate(
        documents,
        version,
        model,
        lake=lake,
        limits=limits,
        prices=settings.prompts,
        base_url=settings.llm_base_url,
    )
    if not expected.to_send:
        return
    price = (
        f"no price is known for {model}"
        if expected.cost_usd is None
        else f"about {dollars(expected.cost_usd)} at {expected.model}'s price of "
        f"{expected.prices_as_of}"
    )
    hint(
        f"  {plural(expected.to_send, 'call')} for {plural(expected.documents, of)}: {price}, "
        f"{duration(expected.hours * 3600)}."
    )
    much = expected.cost_usd is not None and expected.cost_usd > CONFIRM_ABOVE_USD
    if not much or confirmed or not _is_terminal():
        return
    if not typer.confirm("Go on?", err=True):
        raise RecfeatError(
            "Not confirmed, so nothing was sent. --budget limits what a run may spend, --yes "
            "answers this question."
        )


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
