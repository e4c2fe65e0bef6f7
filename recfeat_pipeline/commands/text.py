"""``recfeat text``: why an item has its text, a say in it, and days that were set aside."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recfeat_pipeline.commands.options import ItemArgument, JsonOption
from recfeat_pipeline.commands.output import dump, hint, plural, say, table
from recfeat_pipeline.errors import RecfeatError

if TYPE_CHECKING:
    import polars as pl

    from recfeat_pipeline.lake import Lake
    from recfeat_pipeline.settings import Settings

app = typer.Typer(
    name="text",
    help="Items' text: why it is what it is, pages of your choice, days that were set aside.",
    no_args_is_help=True,
)
EXCERPT = 80  # characters of a field


@app.command()
def why(context: typer.Context, item: ItemArgument, as_json: JsonOption = False) -> None:
    """Show what each source offered for an item, the vote on it, and what is fed.

    $ recfeat text why "Solaris (1972)"
    """
    import polars as pl

    from recfeat_pipeline.commands.lakes import open_lake
    from recfeat_pipeline.extraction.fingerprint import find_item
    from recfeat_pipeline.lake import shard_of

    lake = open_lake(context.obj.settings)
    found = find_item(lake.read("items"), item)
    shard = shard_of([found["item_id"]], lake.n_shards)[0]
    own = pl.col("item_id") == found["item_id"]
    offered = _offers(lake, found["item_id"]).drop("item_id", "shard").to_dicts()
    lacking = _lacking(context.obj.settings, lake, found["item_id"])
    documents = lake.read("documents", shard=shard).filter(own)
    fields = documents["fields"][0].to_list() if documents.height else []
    told = lake.read("languages", shard=shard).filter(own)
    languages = {(s, label): code for s, label, code in
                 told.select("source", "label", "language").iter_rows()}  # fmt: skip
    for field in fields:
        field["language"] = languages.get((field["source"], field["label"]))
    if as_json:
        dump({"item_id": found["item_id"], "title": found["title"],
              "offered": offered, "lacking": lacking, "fed": fields})  # fmt: skip
        return
    say(f"{found['title']} [{found['item_id']}]", style="bold")
    if not offered:
        say("No source has a page for it; its text is the catalogue's own.")
    else:
        _print_offers(offered)
    for source, reason in lacking.items():
        say(f"  {source}: no page, {reason}.", style="dim")
    say()
    table(
        {
            "fed": "left",
            "from": "left",
            "language": "left",
            "characters": "right",
            "begins": "left",
        },
        [
            (f["label"], f["source"], f["language"], f"{len(f['text']):,}", f["text"][:EXCERPT])
            for f in fields
        ],
    )
    hint(f"Not its page? recfeat text pin {found['item_id']} --not URL, or name the right one.")


@app.command()
def review(
    context: typer.Context,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="How many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the pages whose item is most in doubt, used or not.

    $ recfeat text review
    """
    from recfeat_pipeline.commands.lakes import open_lake

    rows = doubtful(open_lake(context.obj.settings), number).to_dicts()
    if as_json:
        dump(rows)
        return
    if not rows:
        say("No source has offered a page yet.")
        return
    columns = dict.fromkeys(("item", "source", "page", "used"), "left")
    table(
        {**columns, "doubt": "right", "against": "left"},
        [
            (f"{r['item_title']} [{r['item_id']}]", r["source"], r["title"] or r["url"],
             "yes" if r["used"] else "no", f"{r['doubt']:.2f}", r["reason"])
            for r in rows
        ],
    )  # fmt: skip


@app.command()
def pin(
    context: typer.Context,
    item: ItemArgument,
    page: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOURCE=PAGE",
            help="The item's page at a source, as in wikidata=Q171048; may be repeated.",
        ),
    ] = None,
    wikipedia: Annotated[
        str | None, typer.Option(metavar="TITLE", help="Short for --page wikipedia=TITLE.")
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--not", metavar="URL", help="A page that is not the item; may be repeated."),
    ] = None,
) -> None:
    """Say which page is an item's, or which is not; kept in a file beside the catalogue.

    $ recfeat text pin "Solaris (1972)" --wikipedia "Solaris (1972 film)"
    $ recfeat text pin 2730 --not https://www.themoviedb.org/movie/2103
    """
    from recfeat_pipeline.commands.lakes import open_lake
    from recfeat_pipeline.extraction.fingerprint import find_item
    from recfeat_pipeline.text.overrides import (
        Override,
        overrides_path,
        read_overrides,
        write_override,
    )
    from recfeat_pipeline.text.sources import source_types

    names = source_types(context.obj.settings.sources)
    pages = dict(_split(given, names) for given in page or [])
    if wikipedia:
        pages["wikipedia"] = wikipedia
    if not pages and not exclude:
        raise RecfeatError("Name the item's page (--page SOURCE=PAGE), or one that is not: --not.")
    lake = open_lake(context.obj.settings)
    found = find_item(lake.read("items"), item)
    path = overrides_path(lake)
    urls = _offers(lake, found["item_id"])["url"].drop_nulls().to_list() if exclude else []
    excluded = tuple(_offered(given, found["title"], urls) for given in exclude or [])
    new = Override(str(found["item_id"]), found["title"] or "", pages, excluded)
    write_override(path, read_overrides(path, names), new)
    say(f"Kept in {path}; `recfeat run --until text` heeds it.")


@app.command()
def load(
    context: typer.Context,
    wikidata: Annotated[
        Path, typer.Option(metavar="FILE", help="Wikidata's JSON dump: latest-all.json.bz2.")
    ],
    wikipedia: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Wikipedia's XML dump: pages-articles.xml.bz2."),
    ] = None,
) -> None:
    """Take items' first answers from Wikimedia's dumps, in place of requests.

    $ recfeat text load --wikidata latest-all.json.bz2 --wikipedia pages-articles.xml.bz2
    """
    from recfeat_pipeline.commands.lakes import open_lake
    from recfeat_pipeline.defs.text.scraping import scored_items
    from recfeat_pipeline.text import dumps
    from recfeat_pipeline.text.sources import sources

    for path in (wikidata, wikipedia):
        if path is not None and not path.is_file():
            raise RecfeatError(f"There is no file {path}.")
    lake = open_lake(context.obj.settings)
    enabled = {source.name: source for source in sources(context.obj.settings)}
    if not {"wikidata", "wikipedia"} <= enabled.keys():
        raise RecfeatError(
            "Wikipedia and Wikidata are not enabled: set RECFEAT_CONTACT, so that they may be "
            "asked what has changed since the dump."
        )
    pair: Any = (enabled["wikidata"], enabled["wikipedia"])
    loaded = dumps.load(scored_items(lake), lake, wikidata, wikipedia, pair)
    say(f"Of {plural(loaded.asked, 'item')} without an answer, {loaded.entities:,} are in "
        f"Wikidata's dump and {loaded.articles:,} in Wikipedia's; `recfeat run --until text` asks "
        "for the rest.")  # fmt: skip


@app.command()
def days(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show what was set aside as suspicious and waits for accept or reject.

    $ recfeat text days
    """
    from recfeat_pipeline.commands.lakes import open_lake
    from recfeat_pipeline.guard import sentence, suspicious

    found = suspicious(open_lake(context.obj.settings))
    if as_json:
        dump(found)
        return
    for stage, day in found.items():
        say(f"{day['at'][:16]} UTC: {sentence(stage, day)}")
    if not found:
        say("Nothing is set aside.")


@app.command()
def accept(context: typer.Context) -> None:
    """Believe the day that was set aside: the next run writes it.

    $ recfeat text accept
    """
    _decide(context.obj.settings, "accepted")


@app.command()
def reject(context: typer.Context) -> None:
    """Do not believe the day that was set aside: yesterday's data serve, its answers are void.

    $ recfeat text reject
    """
    _decide(context.obj.settings, "rejected")


def doubtful(lake: "Lake", number: int) -> "pl.DataFrame":
    """IDENTITY rows with ``item_title``, the most doubtful first."""
    titles = lake.read("items").select("item_id", item_title="title")
    rows = lake.read("identity").drop("shard").join(titles, on="item_id", how="left")
    return rows.sort("doubt", "item_id", "source", descending=[True, False, False]).head(number)


def _decide(settings: "Settings", decision: Any) -> None:
    from recfeat_pipeline.commands.lakes import open_lake
    from recfeat_pipeline.guard import decide, suspicious

    lake = open_lake(settings)
    stages = list(suspicious(lake))
    if not stages:
        raise RecfeatError("Nothing is set aside, so there is nothing to decide.")
    for stage in stages:
        decide(lake, stage, decision)
    after = "writes it" if decision == "accepted" else "goes on from yesterday's"
    say(f"The day of the {' and the '.join(stages)} is {decision}; the next run {after}: "
        "recfeat run --until text")  # fmt: skip


def _offers(lake: "Lake", item_id: Any) -> "pl.DataFrame":
    """IDENTITY rows of an item."""
    import polars as pl

    from recfeat_pipeline.lake import shard_of

    shard = shard_of([item_id], lake.n_shards)[0]
    return lake.read("identity", shard=shard).filter(pl.col("item_id") == item_id)


def _offered(given: str, title: str, urls: list[str]) -> str:
    from recfeat_pipeline.text.overrides import offered_page

    if found := offered_page(given, urls):
        return found
    offered = f"offered are {', '.join(urls)}" if urls else "`recfeat run --until text` asks them"
    raise RecfeatError(f"--not {given}: no source offers this address for {title}; {offered}.")


def _lacking(settings: "Settings", lake: "Lake", item_id: Any) -> dict[str, str]:
    """Source → why it offers nothing for an item, of those that were asked."""
    import polars as pl

    from recfeat_pipeline.defs.text.scraping import scored_items
    from recfeat_pipeline.text.sources import sources

    item = scored_items(lake).filter(pl.col("item_id") == item_id)
    said = {
        source.name: source.store(lake).status(source.keyed(item)) for source in sources(settings)
    }
    return {
        name: answer["reason"][0] or answer["status"][0]
        for name, answer in said.items()
        if answer.height and answer["status"][0] in ("missing", "failed")
    }


def _split(given: str, names: Any) -> tuple[str, str]:
    source, _, page = given.partition("=")
    if source not in names or not page:
        raise RecfeatError(
            f"--page {given!r}: write SOURCE=PAGE, where SOURCE is one of {', '.join(names)}."
        )
    return source, page


def _print_offers(offered: list[dict[str, Any]]) -> None:
    used = sum(row["used"] for row in offered)
    say(f"{plural(len(offered), 'page')} offered, {used} used.")
    table(
        {"source": "left", "page": "left", "years": "left", "by": "left", "found by": "left",
         "score": "right", "used": "left", "against": "left"},
        [
            (row["source"], row["title"], ", ".join(map(str, row["years"])),
             ", ".join(row["creators"]), row["found_by"], f"{row['score']:+.0f}",
             "yes" if row["used"] else "no", row["reason"])
            for row in offered
        ],
    )  # fmt: skip
    for row in offered:
        say(f"  {row['source']}: {row['url'] or '–'}", style="dim")
