"""``recfeat check``: what a catalogue is fit for, before anything is spent on it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recfeat_pipeline.commands.options import CatalogOption, JsonOption, SplitOption
from recfeat_pipeline.commands.output import dump, number, say, share, table
from recfeat_pipeline.commands.power import power_of, say_power

if TYPE_CHECKING:
    from recfeat_pipeline.catalog.check import CatalogCheck

PROBLEMS = 3  # exit code


def check(
    context: typer.Context,
    path: Annotated[
        str | None, typer.Argument(metavar="[PATH]", help="The same as --catalog.")
    ] = None,
    catalog: CatalogOption = None,
    split: SplitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a catalogue as a run would, and say what was read, dropped and can be measured.

    Writes nothing and sends nothing. Exits with 3 when something should be looked at first.

    $ recfeat check films.toml
    $ recfeat check ~/data/ml-latest-small
    """
    from recfeat_pipeline.catalog.check import check_catalog
    from recfeat_pipeline.catalog.corpus import build_corpus
    from recfeat_pipeline.catalog.splits import REPORTED_ON
    from recfeat_pipeline.commands.catalogs import read_named_catalog
    from recfeat_pipeline.commands.domain import misfit
    from recfeat_pipeline.commands.lakes import choose_version
    from recfeat_pipeline.lake import Lake
    from recfeat_pipeline.models.examples import build_examples

    settings = context.obj.settings
    read = read_named_catalog(settings.but(catalog=path or catalog, split=split))
    corpus = build_corpus(read)
    found = check_catalog(read, corpus)
    version = choose_version(Lake(settings.lake), None, settings.prompts)
    if said := misfit(version, corpus.items, read.fields):
        found = replace(found, warnings=(*found.warnings, f"{said}."))
    built = build_examples(corpus.events)
    examples = dict(built["split"].value_counts().iter_rows())
    reported = REPORTED_ON.get(str(corpus.report["split"]), "test")
    power = power_of(built, reported)
    if as_json:
        data = {**as_data(found), "examples": examples, "power": power}
        dump({"catalogue": read.name, "source": read.source, **data})
    else:
        say(f"{read.name} ({read.source})", style="bold")
        show(found, examples, power)
    if found.warnings:
        raise typer.Exit(PROBLEMS)


def as_data(found: "CatalogCheck") -> dict[str, Any]:
    """The check as JSON takes it: frames are lists of rows."""
    import polars as pl

    return {
        name: value.to_dicts() if isinstance(value, pl.DataFrame) else value
        for name, value in ((name, getattr(found, name)) for name in found.__dataclass_fields__)
    }


def show(found: "CatalogCheck", examples: dict[str, int], power: dict[str, Any]) -> None:
    """The check for people, most telling last; ``examples`` are counted by split."""
    from recfeat_pipeline.catalog.check import THIN_CHARACTERS
    from recfeat_pipeline.catalog.splits import PARTS

    counts = found.counts
    say()
    table(
        {"": "left", "count": "right", "of": "right", "share": "right"},
        [
            (what, number(count), number(total), share(part))
            for what, count, total, part in found.overlap.iter_rows()
        ],
        title="What is there",
    )
    say()
    if found.notes.is_empty():
        say("Nothing was dropped or repaired while reading.")
    else:
        table(
            {"rows": "right", "what": "left", "for example": "left"},
            [
                (number(note["count"]), note["message"], "; ".join(note["examples"][:3]) or None)
                for note in found.notes.to_dicts()
            ],
            title="Dropped or repaired while reading",
        )
    dropped = {
        "items with too few interactions": counts["items_with_too_few_interactions"],
        "items without interactions": counts["items_without_interactions"],
        "users with too few interactions": counts["users_below_minimum"],
        "users with too many interactions": counts["users_above_maximum"],
        "users with none in the corpus": counts["users_outside_corpus"],
    }
    say()
    table(
        {"": "left", "count": "right"},
        [(what, number(count)) for what, count in dropped.items()],
        title="Outside the corpus by its rules",
    )
    say()
    table(
        {"part": "left", "users": "right", "events": "right", "examples": "right"},
        [
            (part, *(number(counts.get(f"{what}_{part}", 0)) for what in ("users", "events")),
             number(examples.get(part, 0)))
            for part in PARTS
        ],
        title=f"Split: {counts['split']}",
    )  # fmt: skip
    say(_order(counts))
    if "valid_from" in counts:
        dates = (
            f"{datetime.fromtimestamp(counts[at], UTC):%Y-%m-%d %H:%M:%S}"
            for at in ("valid_from", "test_from")
        )
        say("Train before {}, test from {} (UTC).".format(*dates))
    if not found.ratings.is_empty():
        say()
        table(
            {"rating": "left", "events": "right", "share": "right"},
            [(value, number(n), share(part)) for value, n, part in found.ratings.iter_rows()],
            title="Ratings",
        )
    say()
    table(
        {"field": "left", "items": "right", "share": "right", "median characters": "right"},
        [
            (row["label"], number(row["items"]), share(row["share"]),
             number(row["median_characters"]))
            for row in found.fields.to_dicts()
        ],
        title="Text of corpus items",
    )  # fmt: skip
    quantiles = dict(found.text_lengths.iter_rows())
    say(
        "Characters an item, the title aside: "
        f"5 % have at most {number(quantiles[0.05])}, half {number(quantiles[0.5])}, "
        f"95 % {number(quantiles[0.95])}; {share(found.thin_share)} have under "
        f"{THIN_CHARACTERS}."
    )
    say()
    table(
        {"arm": "left", "verdict": "left"},
        found.arms.select("arms", "reason").iter_rows(),
        title="What can be measured",
    )
    say_power(power)
    say()
    for warning in found.warnings:
        say(f"! {warning}", style="yellow")
    if not found.warnings:
        say("No problem found. Next: recfeat estimate", style="green")


def _order(counts: dict[str, Any]) -> str:
    """What puts events in order, and how many it leaves to chance."""
    untimed, unordered = counts["untimed_share"], counts["unordered_share"]
    by = "times" if untimed < 1 else "positions" if unordered < 1 else "nothing"
    return (
        f"Ordered by {by}; drawn, for equal times: {share(counts['tied_share'])} of events, "
        f"{share(counts.get('tied_share_test', 0))} of test events."
    )
