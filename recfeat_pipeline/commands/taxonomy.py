"""``recfeat taxonomy``: list, show and begin what items are scored on."""

from typing import TYPE_CHECKING, Annotated

import typer

from recfeat_pipeline.commands.options import CatalogOption, JsonOption
from recfeat_pipeline.commands.output import dollars, dump, plural, say, table

if TYPE_CHECKING:
    from pathlib import Path

    from recfeat_pipeline.taxonomy import Taxonomy

app = typer.Typer(
    name="taxonomy",
    help="Taxonomies: list, show, begin one of your own.",
    no_args_is_help=True,
)
NewName = Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits and '_'.")]
ItemOption = Annotated[
    str, typer.Option("--item", metavar="WORD", help="What is scored: film, book, recipe.")
]


@app.command("list")
def list_them(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the taxonomies: built-in ones, and those in the folder RECFEAT_PROMPTS/taxonomies.

    $ recfeat taxonomy list
    """
    from recfeat_pipeline.taxonomy import list_taxonomies, read_taxonomy

    rows = [
        {
            "name": name,
            "item": found.item,
            "groups": len(found.groups),
            "dimensions": len(found.dimensions),
            "file": str(path),
        }
        for name, path in list_taxonomies(context.obj.settings.prompts).items()
        for found in [read_taxonomy(path)]
    ]
    if as_json:
        dump(rows)
        return
    table(
        {"name": "left", "item": "left", "groups": "right", "dimensions": "right", "file": "left"},
        [tuple(row.values()) for row in rows],
    )


@app.command()
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A taxonomy.")],
    as_json: JsonOption = False,
) -> None:
    """Show a taxonomy: its dimensions by group, what a 1 means, the curated tags they stand for.

    $ recfeat taxonomy show genome132
    """
    from recfeat_pipeline.taxonomy import load_taxonomy
    from recfeat_pipeline.taxonomy.write import as_spec

    found = load_taxonomy(name, context.obj.settings.prompts)
    if as_json:
        dump(as_spec(found))
        return
    for group in found.groups:
        facts = " (facts only)" if group.factual_only else ""
        table(
            {"dimension": "left", "a 1 means": "left", "curated tags": "left"},
            [(d.name, d.gloss, ", ".join(d.genome_tags) or None) for d in group.dimensions],
            title=f"{group.name}: {group.title}{facts}",
        )
        say()


@app.command()
def derive(
    context: typer.Context,
    name: NewName,
    catalog: CatalogOption = None,
    number: Annotated[
        int, typer.Option("--number", "-n", min=2, help="Tags considered, the best first.")
    ] = 150,
    groups: Annotated[
        int | None,
        typer.Option(min=1, help="About how many groups; unset: one for every 25 dimensions."),
    ] = None,
    item: ItemOption = "item",
) -> None:
    """Begin a taxonomy from a catalogue's curated tags.

    The tags whose relevance varies most across items become dimensions; tags that say the same are
    merged. The file says what became of each tag. Edit it: names, glosses, groups.

    $ recfeat taxonomy derive films150 --catalog films.toml --item film
    """
    from recfeat_pipeline.commands.catalogs import read_named_catalog
    from recfeat_pipeline.errors import RecfeatError
    from recfeat_pipeline.taxonomy.derive import derive as derive_taxonomy
    from recfeat_pipeline.taxonomy.write import new_file, write_taxonomy

    settings = context.obj.settings.but(catalog=catalog)
    path = new_file(name, settings.prompts)
    read = read_named_catalog(settings)
    if read.tags is None:
        raise RecfeatError(
            f"The catalogue {read.name} has no curated tags to derive a taxonomy from: add [tags] "
            "to its file, or write the taxonomy by hand."
        )
    found = derive_taxonomy(name, read.tags, number, groups, item)
    fates = [
        f"{tag}: {dimension or '-'}, deviation {deviation:.3f}, on {n} items, {reason}"
        for tag, deviation, n, dimension, reason in found.fates.iter_rows()
    ]
    advice = [
        f"Derived from the curated tags of {read.name}. Edit names, glosses and groups; delete",
        "what says nothing about an item (a person's shelf, a format).",
    ]
    write_taxonomy(found.taxonomy, path, advice, ["What became of each tag:", *fates])
    _tell(found.taxonomy, path)


@app.command()
def draft(
    context: typer.Context,
    name: NewName,
    domain: Annotated[
        str, typer.Option(metavar="TEXT", help="The catalogue in your words, for the model.")
    ],
    catalog: CatalogOption = None,
    samples: Annotated[
        int, typer.Option(min=1, help="Documents shown to the model, spread over the catalogue.")
    ] = 12,
    item: ItemOption = "item",
) -> None:
    """Ask the model for a first taxonomy: groups, dimensions and glosses, to be edited.

    It reads your description and some of the catalogue's documents, in one call that is kept: the
    same question costs nothing again. It needs an endpoint or a key.

    $ recfeat taxonomy draft recipes --domain "Recipes of home cooks" --item recipe
    """
    import polars as pl

    from recfeat_pipeline.commands.estimate import find_ground
    from recfeat_pipeline.errors import RecfeatError
    from recfeat_pipeline.extraction.draft import VERSION
    from recfeat_pipeline.extraction.draft import draft as draft_taxonomy
    from recfeat_pipeline.extraction.engine import choose_backend, limits_of
    from recfeat_pipeline.extraction.versions import load_version
    from recfeat_pipeline.migrations import open_lake
    from recfeat_pipeline.taxonomy.write import new_file, write_taxonomy

    settings = context.obj.settings.but(catalog=catalog)
    path = new_file(name, settings.prompts)
    if not settings.has_llm:
        raise RecfeatError(
            "A draft is asked of a model, and none is set: set OPENAI_API_KEY or "
            "RECFEAT_LLM_BASE_URL; without one, `recfeat taxonomy derive` makes a taxonomy of tags."
        )
    domain = " ".join(domain.split())
    if len(domain.split()) < 2:
        raise RecfeatError(f"--domain {domain!r} says too little: describe the catalogue.")
    lake = open_lake(settings.lake)
    ground = find_ground(lake, settings)
    documents = ground.documents
    if documents.is_empty():
        raise RecfeatError(f"There is no document to show the model: {ground.source} hold none.")
    spread = pl.int_range(0, documents.height, max(documents.height // samples, 1), eager=True)
    lake.open()
    limits = limits_of(settings)
    backend = choose_backend(settings, load_version(VERSION), limits)
    shown = documents.sort("item_id")[spread.head(samples)]
    found, cost = draft_taxonomy(name, item, domain, shown, lake, backend, limits, settings.prompts)
    advice = [
        f"Drafted by {backend.model} from: {domain}",
        "Edit names, glosses and groups; genome_tags are the curated tags that a dimension merges.",
    ]
    write_taxonomy(found, path, advice)
    say(f"{backend.model} answered; this call cost {dollars(cost)}.")
    _tell(found, path)


def _tell(taxonomy: "Taxonomy", path: "Path") -> None:
    dimensions = plural(len(taxonomy.dimensions), "dimension")
    say(f"{dimensions} in {plural(len(taxonomy.groups), 'group')}: {path}")
    say(f"Edit it, then: recfeat prompts new {taxonomy.name}-v1 --taxonomy {taxonomy.name}")
