"""``recfeat estimate``: what an extraction would cost, without sending anything."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from recfeat_pipeline.commands.options import CatalogOption, JsonOption, VersionOption
from recfeat_pipeline.commands.output import dollars, dump, duration, hint, number, say, table

if TYPE_CHECKING:
    import polars as pl

    from recfeat_pipeline.lake import Lake


def estimate(
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
    as_json: JsonOption = False,
) -> None:
    """Say what an extraction will send, cost and take, counting what is already answered.

    Uses the lake's documents if a run wrote them, else the catalogue's own text. Sends nothing.

    $ recfeat estimate --catalog films.toml
    $ recfeat estimate --models gpt-4.1-mini,gpt-4.1
    """
    from recfeat_pipeline.commands.lakes import choose_version
    from recfeat_pipeline.extraction.engine import limits_of
    from recfeat_pipeline.extraction.estimate import estimate as estimate_version
    from recfeat_pipeline.lake import Lake
    from recfeat_pipeline.settings import Settings

    settings = Settings()
    lake = Lake(settings.lake)
    version = choose_version(lake, prompt_version)
    documents, source = find_documents(lake, catalog)
    names = (models or settings.llm_model or version.model).split(",")
    found = [
        estimate_version(
            documents,
            version,
            name.strip(),
            lake=lake,
            limits=limits_of(settings),
            prices=settings.prompts,
        )
        for name in names
    ]
    if as_json:
        rows = [{**asdict(one), "to_send": one.to_send} for one in found]
        dump({"version": version.key, "source": source, "estimates": rows})
        return
    say(f"{version.key} over {documents.height:,} items ({source})", style="bold")
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
                dollars(per_thousand(one.cost_usd, one.to_send, len(version.groups))),
                duration(one.hours * 3600),
            )
            for one in found
        ],
    )  # fmt: skip
    for one in found:
        if one.over_paid is not None:
            say(
                f"{one.model}, calls answered so far: estimate ÷ paid = {one.over_paid:.2f} "
                "(re-asks raise what is paid, the provider's prompt cache lowers it)."
            )
    unknown = [one.model for one in found if one.cost_usd is None]
    if unknown:
        say(
            f"No price is known for {', '.join(unknown)}: add it to prices.toml in the folder "
            "RECFEAT_PROMPTS."
        )
    dated = sorted({one.prices_as_of for one in found if one.prices_as_of})
    say(f"Prices as of {', '.join(dated) or '–'}; tokens counted by {found[0].tokenizer}.")
    if not settings.has_llm:
        hint(
            "No endpoint or key is set, so `recfeat run` would use the embedded lexical extractor, "
            "which is free and no LLM. Set OPENAI_API_KEY or RECFEAT_LLM_BASE_URL."
        )


def per_thousand(cost: float | None, calls: int, calls_per_item: int) -> float | None:
    """Dollars per 1,000 items of those that still cost something."""
    return None if cost is None or not calls else 1000 * cost * calls_per_item / calls


def find_documents(lake: "Lake", catalog: str | None) -> "tuple[pl.DataFrame, str]":
    """DOCUMENTS to estimate for, and where they are from.

    Those of the lake if it holds this catalogue's; else made of the catalogue's own text, without
    what TMDB or Wikipedia would add.
    """
    from recfeat_pipeline.catalog.corpus import build_corpus
    from recfeat_pipeline.commands.catalogs import catalog_path, read_named_catalog
    from recfeat_pipeline.text.documents import build_documents

    wanted = catalog_path(catalog)
    if lake.has("documents") and lake.meta.get("catalog") == wanted:
        return lake.read("documents"), "documents of the lake"
    read = read_named_catalog(catalog)
    items = build_corpus(read).items.filter("in_corpus")
    return build_documents(items, read.fields), f"the own text of {read.name}"
