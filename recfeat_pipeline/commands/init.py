"""``recfeat init``: a catalogue file drafted from the user's own files."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recfeat_pipeline.commands.output import hint, printable, say
from recfeat_pipeline.errors import RecfeatError

if TYPE_CHECKING:
    from recfeat_pipeline.catalog.formats.form import Form
    from recfeat_pipeline.catalog.guess import Draft

FileOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Say which file it is.")]


def init(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATHS]...", help="Files, or folders of files; unset: this one."),
    ] = None,
    items: FileOption = None,
    interactions: FileOption = None,
    tags: FileOption = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the catalogue; unset: the data's.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.")
    ] = Path("catalogue.toml"),
    force: Annotated[
        bool, typer.Option("--force", help="Write over a file that is there.")
    ] = False,
) -> None:
    """Draft a catalogue file by looking at your Parquet and CSV files.

    Says what was guessed; the file's comments say how to change it. Nothing else is written, and
    your files are left as they are.

    $ recfeat init
    $ recfeat init products.parquet events.csv -o shop.toml
    """
    from recfeat_pipeline.catalog.guess import draft_catalog, find_tables
    from recfeat_pipeline.catalog.movielens import is_grouplens

    if output.exists() and not force:
        raise RecfeatError(f"{output} is there already: --force writes over it, -o names another.")
    places = paths or [Path()]
    if len(places) == 1 and is_grouplens(places[0]):
        say(f"{places[0]} is a MovieLens release, which needs no catalogue file:")
        say(f"    recfeat check {places[0]}")
        return
    named = [path for path in (items, interactions, tags) if path]
    tables = find_tables([*([] if named and not paths else places), *named])
    draft = draft_catalog(tables, items, interactions, tags)
    text = as_toml(draft, name or draft.name, output.resolve().parent)
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RecfeatError(
            f"Cannot write {output}: {error.strerror}; name a file in a folder that exists (-o)."
        ) from error
    say(f"{output} is drafted. What was guessed:", style="bold")
    for remark in draft.remarks:
        say(f"  {remark}")
    hint(f"Read it through, then: recfeat check {output}")
    if said := _taxonomy(output):
        hint(said)


def _taxonomy(file: Path) -> str | None:
    """Which taxonomy would suit what was drafted, where that can be read and is no films."""
    from recfeat_pipeline.catalog.files import read_files
    from recfeat_pipeline.commands.progress import fetching
    from recfeat_pipeline.taxonomy.domain import FILM, domain_of, plural, starter_of

    try:
        with fetching() as progress:
            read = read_files(file, progress)
    except RecfeatError:  # `recfeat check` says why
        return None
    domain = domain_of(read.items, read.fields)
    if domain == FILM:
        return None
    starter = starter_of(domain)
    begin = (
        f"`recfeat run --catalog {file} --prompt-version {starter}` scores {plural(domain)}; or "
        if starter
        else "The taxonomy that is used unless you choose another is of films: "
    )
    return f"{begin}begin one of your own: recfeat taxonomy derive, recfeat taxonomy draft"


def as_toml(draft: "Draft", name: str, folder: Path) -> str:
    """The catalogue file, with a comment on every line that was guessed."""
    from recfeat_pipeline.catalog.types import SCORED

    lines = [
        "# What recfeat reads, drafted by `recfeat init`. Paths are relative to this file.",
        "# `recfeat check` says what it makes of it; mend here what was guessed wrong.",
        "",
        f"name = {_quoted(name)}",
        "",
        "[items]",
        *_section(draft, "items", folder),
    ]
    for key, meaning in (
        ("year", "release year, or a date"),
        ("genres", 'lists, "A|B" or "A, B"'),
        ("imdb_id", "lets Wikipedia's text be found"),
        ("tmdb_id", "lets TMDB's text be found"),
    ):
        if key not in draft.columns["items"]:
            lines.append(f'# {key} = "…"   # optional: {meaning}')
    lines += [
        "",
        "[items.document]   # what the model reads: label = column; lists are joined",
        *(f"{_quoted(label)} = {_quoted(column)}" for label, column in draft.document.items()),
        *(f"# {_quoted(column)} is left out: {why}" for column, why in draft.left_out.items()),
        "",
        "[interactions]",
        *_section(draft, "interactions", folder),
    ]
    for key, meaning in (
        ("rating", "without it every interaction counts as liked; positive_from = 4 parts likes"),
        ("timestamp", "Unix seconds or a date; without it histories are unordered"),
        ("position", "an order without times"),
        ("split", "train / valid / test, if you have a split of your own"),
    ):
        if key not in draft.columns["interactions"]:
            lines.append(f'# {key} = "…"   # optional: {meaning}')
    lines.append("")
    if draft.tags:
        lines += ["[tags]   # curated tags, to measure the features against"]
        lines += _section(draft, "tags", folder)
    else:
        lines += [
            "# [tags]   # optional: curated tags, to measure the features against",
            '# path = "…"',
            '# item = "…"',
            '# tag = "…"',
            '# relevance = "…"   # optional',
        ]
    rules = draft.rules
    lines += [
        "",
        "[corpus]   # who is evaluated; see [scoring] for who is scored",
        f"more_than_item_interactions = {rules.more_than_item_interactions}",
        f"min_user_interactions = {rules.min_user_interactions}",
        f"max_user_interactions = {rules.max_user_interactions}",
        "",
        "[scoring]   # which items get features",
        f"items = {_quoted(rules.scored)}   # {' / '.join(SCORED)}",
    ]
    return "\n".join(lines) + "\n"


def _section(draft: "Draft", section: str, folder: Path) -> list[str]:
    """A section's path and columns, each with an example from the file."""
    import polars as pl

    from recfeat_pipeline.catalog.file_times import AMBIGUOUS

    table = getattr(draft, section)
    path = os.path.relpath(table.path.resolve(), folder)
    lines = [f"path = {_quoted(path)}", *_form(table.form)]
    for ours, column in draft.columns[section].items():
        values = table.sample[column].drop_nulls()
        example = " ".join(str(values[0]).split())[:40] if len(values) else "nothing: it is empty"
        lines.append(f"{ours} = {_quoted(column)}   # such as {printable(example)}")
        if (
            ours == "timestamp"
            and values.dtype == pl.String
            and values.str.contains(AMBIGUOUS).any()
        ):
            lines.append('# date_format = "%d/%m/%Y"   # or "%m/%d/%Y": say which comes first')
    return lines


def _form(form: "Form") -> list[str]:
    """How the file is written, where its suffix does not tell."""
    told = {key: value for key, value in asdict(form).items() if value is not None}
    return [f"{key} = {_quoted(value)}" for key, value in told.items()]


def _quoted(text: str) -> str:
    """A TOML string; JSON's escapes are TOML's."""
    return json.dumps(text, ensure_ascii=False)
