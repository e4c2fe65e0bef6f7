"""``recfeat prompts``: list, show, compare, begin and promote prompt versions."""

from dataclasses import asdict
from typing import Annotated

import typer

from recfeat_pipeline.commands.options import JsonOption
from recfeat_pipeline.commands.output import dump, plural, say, table

app = typer.Typer(
    name="prompts",
    help="Prompt versions: list, show, compare, begin one of your own, promote.",
    no_args_is_help=True,
)
VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="A name, or name@hash.")]


@app.command("list")
def list_them(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Also variants that score films.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the versions: built-in ones, and those in the folder RECFEAT_PROMPTS.

    Probes show less of the documents: those of the promoted version are listed, and any version has
    them, as NAME+title-only. Built-in variants of genome132-v1 ask about films: they are left out
    where the promoted version scores items on other dimensions, unless --all asks for them.

    $ recfeat prompts list
    """
    from recfeat_pipeline.extraction.prompts import describe_versions
    from recfeat_pipeline.lake import Lake

    settings = context.obj.settings
    found = describe_versions(Lake(settings.lake), settings.prompts, every)
    if as_json:
        dump([asdict(version) for version in found])
        return
    table(
        {
            "version": "left", "asks": "left", "calls": "right", "model": "left",
            "promoted": "left", "what it is": "left",
        },
        [
            (v.key, v.asks, v.groups, v.model, "yes" if v.promoted else None, v.description)
            for v in found
        ],
    )  # fmt: skip


@app.command()
def show(context: typer.Context, version: VersionArgument) -> None:
    """Show a version as the model reads it: settings, then each call's instructions.

    $ recfeat prompts show genome132-v1
    """
    from recfeat_pipeline.extraction.prompts import show_version

    say(show_version(version, context.obj.settings.prompts))


@app.command()
def diff(
    context: typer.Context,
    old: Annotated[str, typer.Argument(metavar="OLD", help="A version.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Another.")],
) -> None:
    """Compare two versions, and say which groups the second one buys again.

    $ recfeat prompts diff genome132-v1 mine-v2
    """
    from recfeat_pipeline.extraction.prompts import diff_versions

    found = diff_versions(old, new, context.obj.settings.prompts)
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in found.lines:
        say(line, style=styles.get(line[:1], ""))
    say(f"Asked again: {', '.join(found.bought) or 'nothing'}.")
    say(f"Kept:        {', '.join(found.kept) or 'nothing'}.")


@app.command()
def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits and '-'.")],
    extends: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="The version that it starts from; unset: genome132-v1, or with --taxonomy the "
            "instructions that suit any taxonomy.",
        ),
    ] = None,
    taxonomy: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What it scores items on (`recfeat taxonomy list`)."),
    ] = None,
) -> None:
    """Begin a version of your own in the folder RECFEAT_PROMPTS.

    It takes every file and setting from another version, until you put yours beside it.

    $ recfeat prompts new mine-v2 --extends genome132-v1

    $ recfeat prompts new recipes-v1 --taxonomy recipes
    """
    from recfeat_pipeline.extraction.prompts import DEFAULT, new_version

    path = new_version(name, extends, context.obj.settings.prompts, taxonomy)
    look = f"show {name}" if taxonomy else f"diff {extends or DEFAULT} {name}"
    say(f"Edit {path}, then: recfeat prompts {look}; recfeat backfill {name}")


@app.command()
def promote(context: typer.Context, version: VersionArgument) -> None:
    """Make a version the one whose scores arms read, and that later runs extract with.

    $ recfeat prompts promote mine-v2
    """
    from recfeat_pipeline.commands.lakes import open_lake
    from recfeat_pipeline.extraction.prompts import promote as promote_version

    lake = open_lake(context.obj.settings)
    key = promote_version(lake, version, context.obj.settings.prompts)
    n_items = lake.read("scores", version=key)["item_id"].n_unique()
    say(f"{key} is promoted; {plural(n_items, 'item')} with its scores.")
    say("Next: recfeat run, which extracts what is missing and trains the arms that read it.")
