"""``recfeat estimate``: what an extraction would cost, without sending anything."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from recfeat_pipeline.commands.options import CatalogOption, JsonOption, VersionOption
from recfeat_pipeline.commands.output import (
    dollars,
    dump,
    duration,
    hint,
    number,
    plural,
    say,
    table,
)
from recfeat_pipeline.commands.power import power_of, say_power
from recfeat_pipeline.errors import RecfeatError

if TYPE_CHECKING:
    import polars as pl

    from recfeat_pipeline.extraction.estimate import Estimate
    from recfeat_pipeline.extraction.versions import PromptVersion
    from recfeat_pipeline.lake import Lake
    from recfeat_pipeline.settings import Settings


def estimate(
    context: typer.Context,
    catalog: CatalogOption = None,
    prompt_version: VersionOption = None,
    models: Annotated[
        str | None,
        typer.Option(
            "--models",
            metavar="MODELS",
            help="Price it for these, comma-separated; unset: RECFEAT_LLM_MODEL, else the "
            "version's own.",
        ),
    ] = None,
    probe: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="ITEMS",
            help="Time real calls for so many items, drawn at random, of the first model; they are "
            "paid, kept and not bought again.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Say what an extraction will send, cost and take, and what it could show.

    Counts what is already answered. `recfeat run` buys it where a chosen arm reads LLM scores, or
    with --prompt-version or --until extraction. Uses the lake's documents if a run wrote them, else
    the catalogue's own text. Sends nothing without --probe. The time is a guess until some calls
    are answered; --probe measures it. `recfeat prompts list` has cheaper ways of asking: several
    groups a call, a cascade of two models; price them with --prompt-version.

    $ recfeat estimate --catalog films.toml
    $ recfeat estimate --models gpt-4.1-mini,gpt-4.1
    $ recfeat estimate --probe 5
    """
    from recfeat_pipeline.commands.domain import misfit
    from recfeat_pipeline.commands.lakes import choose_version
    from recfeat_pipeline.extraction.engine import limits_of
    from recfeat_pipeline.extraction.estimate import estimate as estimate_version
    from recfeat_pipeline.lake import Lake

    settings = context.obj.settings.but(catalog=catalog)
    lake = Lake(settings.lake)
    version = choose_version(lake, prompt_version, settings.prompts)
    ground = find_ground(lake, settings)
    documents, source = ground.documents, ground.source
    corpus = documents.filter("in_corpus")
    names = (models or settings.llm_model or version.model).split(",")
    of_scored, of_corpus = (
        [
            estimate_version(
                some,
                version,
                name.strip(),
                lake=lake,
                limits=limits_of(settings),
                prices=settings.prompts,
                base_url=settings.llm_base_url,
            )
            for name in names
        ]
        for some in (documents, corpus)
    )
    if probe is not None:
        first = names[0].strip()
        of_scored[0] = _probed(lake, version, probe, documents, first, settings)
    power = power_of(*ground.examples())
    if as_json:
        rows, corpus_rows = (
            [{**asdict(one), "to_send": one.to_send} for one in of] for of in (of_scored, of_corpus)
        )
        dump({"version": version.key, "source": source, "estimates": rows, "corpus": corpus_rows,
              "power": power})  # fmt: skip
        return
    say(f"{version.key} over {documents.height:,} items ({source})", style="bold")
    found = of_scored
    if more := documents.height - corpus.height:
        say(
            f"{corpus.height:,} of them are evaluated, {more:,} are scored beside them (`[scoring] "
            "items` of the catalogue file); the corpus alone is the second line of each model."
        )
        found = [one for pair in zip(of_scored, of_corpus, strict=True) for one in pair]
    table(
        {
            "model": "left", "calls": "right", "answered": "right", "to send": "right",
            "tokens in": "right", "tokens out": "right", "cost": "right", "in batches": "right",
            "per 1,000 items": "right", "time": "right",
        },
        [
            (
                one.model,
                number(one.calls),
                number(one.cached),
                number(one.to_send),
                number(one.prompt_tokens),
                number(one.completion_tokens),
                dollars(one.cost_usd),
                dollars(one.cost_usd_batch),
                dollars(per_thousand(one.cost_usd, one.to_send, one.calls / max(one.documents, 1))),
                duration(one.hours * 3600),
            )
            for one in found
        ],
    )  # fmt: skip
    for one in of_scored:
        if one.over_paid is not None:
            say(
                f"{one.model}, calls answered so far: estimate ÷ paid = {one.over_paid:.2f} "
                "(re-asks raise what is paid, the provider's prompt cache lowers it)."
            )
    unknown = [one.model for one in of_scored if one.cost_usd is None]
    if unknown:
        say(
            f"No price is known for {', '.join(unknown)}: add it to prices.toml in the folder "
            "RECFEAT_PROMPTS."
        )
    dated = sorted({one.prices_as_of for one in found if one.prices_as_of})
    say(f"Prices as of {', '.join(dated) or '–'}; tokens counted by {found[0].tokenizer}.")
    say_power(power, briefly=True)
    if said := misfit(version, *_as_catalog(documents)):
        hint(f"! {said}.", style="yellow")
    if not settings.has_llm:
        hint(
            "No endpoint or key is set, so `recfeat run` would use the embedded lexical extractor, "
            "which is free and no LLM. Set OPENAI_API_KEY or RECFEAT_LLM_BASE_URL."
        )


def _probed(
    lake: "Lake",
    version: "PromptVersion",
    n: int,
    documents: "pl.DataFrame",
    model: str,
    settings: "Settings",
) -> "Estimate":
    """The estimate after some real calls, with the time at the pace that they had."""
    from dataclasses import replace

    from recfeat_pipeline.extraction.backends.online import OnlineBackend
    from recfeat_pipeline.extraction.engine import limits_of
    from recfeat_pipeline.extraction.estimate import estimate as estimate_version
    from recfeat_pipeline.extraction.pilot import ask, calls_per_second, draw

    if not settings.has_llm or "shard" not in documents.columns:
        raise RecfeatError(
            "--probe sends real calls: set RECFEAT_LLM_BASE_URL or an API key, and write documents "
            "first (`recfeat run --until text`)."
        )
    limits = limits_of(settings)
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else None
    backend = OnlineBackend(model, settings.llm_base_url, key, limits, settings.prompts)
    drawn = draw(documents, n)
    asked = ask(lake, drawn, version, backend, limits=limits, prices=settings.prompts, note=hint)
    now = estimate_version(
        documents, version, model, lake=lake, limits=limits, prices=settings.prompts,
        base_url=settings.llm_base_url,
    )  # fmt: skip
    sent = asked.summary.sent
    if not sent:
        hint("Those calls were answered before; probe more items to time some.")
        return now
    seconds, latency = asked.summary.seconds, asked.rows.tail(sent)["latency_ms"]
    pace = calls_per_second(latency, seconds, limits.concurrency)
    hint(f"{plural(sent, 'call')} took {duration(seconds)}.")
    return replace(now, hours=max(now.to_send / pace / 3600, 0.0)) if pace else now


def _as_catalog(documents: "pl.DataFrame") -> "tuple[pl.DataFrame, pl.DataFrame]":
    """The items and fields that documents were made of, as far as they show; no outside ids."""
    import polars as pl

    none = pl.lit(None, pl.String)
    items = documents.select("item_id", "title", imdb_id=none, tmdb_id=none)
    fields = documents.select("item_id", "fields").explode("fields").unnest("fields")
    return items, fields.drop_nulls("text")


def per_thousand(cost: float | None, calls: int, calls_per_item: float) -> float | None:
    """Dollars per 1,000 items of those that still cost something."""
    return None if cost is None or not calls else 1000 * cost * calls_per_item / calls


@dataclass(frozen=True)
class Ground:
    """What a catalogue gives an extraction and its evaluation."""

    documents: "pl.DataFrame"  # DOCUMENTS of all that is scored, with ``in_corpus``
    source: str  # where they are from
    examples: "Callable[[], tuple[pl.DataFrame, str]]"  # EXAMPLES, and the part reported on


def find_ground(lake: "Lake", settings: "Settings") -> Ground:
    """Of the lake if it holds this catalogue's; else of the catalogue's own text.

    The latter is without what TMDB or Wikipedia would add.
    """
    import polars as pl

    from recfeat_pipeline.catalog.corpus import build_corpus
    from recfeat_pipeline.catalog.splits import REPORTED_ON
    from recfeat_pipeline.commands.catalogs import catalog_path, read_named_catalog
    from recfeat_pipeline.defs.training.inputs import report_split
    from recfeat_pipeline.models.examples import build_examples
    from recfeat_pipeline.text.documents import build_documents

    wanted = catalog_path(settings)
    if lake.has("documents") and lake.meta.get("catalog") == wanted:
        inside = lake.read("items").select("item_id", "in_corpus")
        documents = lake.read("documents").join(inside, on="item_id", how="left")
        documents = documents.with_columns(pl.col("in_corpus").fill_null(False))
        return Ground(
            documents, "documents of the lake", lambda: (lake.read("examples"), report_split(lake))
        )
    read = read_named_catalog(settings)
    corpus = build_corpus(read)
    items = corpus.items.join(corpus.scored, on="item_id", how="semi", maintain_order="left")
    inside = items.select("item_id", "in_corpus")
    documents = build_documents(items, read.fields).join(inside, on="item_id", how="left")
    reported = REPORTED_ON.get(str(corpus.report["split"]), "test")
    return Ground(
        documents,
        f"the own text of {read.name}",
        lambda: (build_examples(corpus.events), reported),
    )
