"""``recfeat rank import``: another program's recommender becomes an arm."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recfeat_pipeline.commands.output import plural, say
from recfeat_pipeline.errors import RecfeatError

if TYPE_CHECKING:
    import polars as pl

    from recfeat_pipeline.lake import Lake
    from recfeat_pipeline.models.imported import ToRank

ROLES = ("floor", "content", "control", "baseline")
SECTION = "own"
app = typer.Typer(name="rank", help="Bring your own recommender: its ranks become an arm.")


@app.command("import")
def import_ranks(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .parquet or .csv file.")],
    examples: Annotated[
        Path,
        typer.Option(metavar="FILE", help="The examples it ranks, as `recfeat export` wrote them."),
    ],
    arm: Annotated[str, typer.Option(metavar="NAME", help="What the arm is called.")],
    seed: Annotated[int, typer.Option(min=0, help="Of the run.")] = 0,
    item_vectors: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With users' vectors in FILE: those of the items."),
    ] = None,
    role: Annotated[
        str, typer.Option(metavar="ROLE", help="floor, content, control or baseline.")
    ] = "baseline",
    against: Annotated[
        str, typer.Option(metavar="ARMS", help="Arms it is held against, comma-separated.")
    ] = "",
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="For tables.")] = None,
    family: Annotated[
        str | None, typer.Option(metavar="NAME", help="The kind of recommender; unset: own.")
    ] = None,
    content: Annotated[
        str, typer.Option(metavar="NAME", help="What it sees beside ids: llm, tags, …")
    ] = "",
    section: Annotated[str, typer.Option(metavar="NAME", help="Where tables show it.")] = SECTION,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="Another seed would give the same ranks.")
    ] = False,
) -> None:
    """Take the ranks of another program's recommender, on the examples that you exported.

    FILE holds one of three things, told by its columns. Ranks: example_id, rank (1 is best, among
    the items that the user has not seen). Lists: example_id, item_id, best first, or with score or
    position; a target outside its list gets the mean rank of the rest. Vectors: example_id or
    user_id, and vector or a column per dimension, with --item-vectors. Masks, ties, metrics and
    contrasts are those of every arm; `recfeat run` then evaluates it.

    $ recfeat export examples examples.parquet
    $ recfeat rank import top.parquet --examples examples.parquet --arm als
    """
    from recfeat_pipeline.commands.lakes import open_lake
    from recfeat_pipeline.defs.training.imported import ImportedArm, save_import

    lake = open_lake(context.obj.settings)
    held_against = tuple(name.strip() for name in against.split(",") if name.strip())
    _check_arm(lake, arm, role, held_against)
    asked = examples_of(lake)
    _check_examples(examples, asked)
    kinds = {name: asked.examples.schema[name] for name in ("example_id", "user_id")}
    kinds["item_id"] = asked.items.dtype
    given = _cast(_read(file), kinds, file)
    items = _cast(_read(item_vectors), kinds, item_vectors) if item_vectors else None
    ranks, said = _ranks(given, items, asked, file)
    made_from = {
        "fingerprint": hashlib.sha256(file.read_bytes()).hexdigest(),
        "file": file.name,
        "examples": asked.digest(),
    }
    declared = ImportedArm(
        arm, title or arm.replace("_", " "), role, section, family or "own", content,
        "random" if role == "control" else None, held_against, not deterministic,
    )  # fmt: skip
    save_import(lake, declared, seed, ranks, made_from)
    mrr = float((1 / ranks["rank"].to_numpy()).mean())
    say(f"{arm}, seed {seed}: {plural(ranks.height, 'example')} ranked, MRR {mrr:.4f}.")
    for sentence in said:
        say(sentence)
    say("Next: recfeat run, which evaluates it beside the other arms.")


def examples_of(lake: "Lake") -> "ToRank":
    """The examples that the lake's arms rank.

    Raises:
        RecfeatError: there are none yet.
    """
    from recfeat_pipeline.defs.training.inputs import report_split
    from recfeat_pipeline.models.imported import ToRank

    if not lake.has("examples"):
        raise RecfeatError(
            "The lake holds no examples yet: run `recfeat run --until catalog` first."
        )
    events, examples, items = (lake.read(name) for name in ("events", "examples", "items"))
    return ToRank.of(events, examples, items, report_split(lake))


def _ranks(
    given: "pl.DataFrame", items: "pl.DataFrame | None", asked: "ToRank", file: Path
) -> "tuple[pl.DataFrame, list[str]]":
    """RANKS by the way that the columns tell."""
    from recfeat_pipeline.models.imported import from_lists, from_ranks, from_vectors

    columns = set(given.columns)
    if items is not None and columns & {"example_id", "user_id"}:
        return from_vectors(given, items, asked)
    if {"example_id", "rank"} <= columns:
        return from_ranks(given, asked), []
    if {"example_id", "item_id"} <= columns:
        return from_lists(given, asked)
    raise RecfeatError(
        f"{file} has the columns {', '.join(given.columns)}: give example_id and rank; example_id "
        "and item_id (a list, best first); or example_id or user_id with vector, and "
        "--item-vectors."
    )


def _cast(frame: "pl.DataFrame", kinds: "dict[str, pl.DataType]", file: Path) -> "pl.DataFrame":
    """Ids in the catalogue's own types; lists of items are unfolded."""
    import polars as pl

    if isinstance(frame.schema.get("item_id"), pl.List):
        frame = frame.explode("item_id")
    for name in kinds.keys() & set(frame.columns):
        try:
            frame = frame.with_columns(pl.col(name).cast(kinds[name]))
        except pl.exceptions.PolarsError as error:
            raise RecfeatError(
                f"{file}: {name} holds {frame.schema[name]}, the catalogue's are "
                f"{kinds[name]}: {str(error).splitlines()[0]}"
            ) from error
    return frame


def _check_arm(lake: "Lake", arm: str, role: str, against: tuple[str, ...]) -> None:
    from recfeat_pipeline.defs.training.imported import imported_arms
    from recfeat_pipeline.models.arms import load_arms

    declared = load_arms()
    if not arm.replace("_", "").replace("-", "").isalnum() or not arm.isascii():
        raise RecfeatError(f"--arm {arm!r}: use letters, digits, '-' and '_'.")
    if arm in declared:
        raise RecfeatError(f"--arm {arm!r} is an arm of its own file: choose another name.")
    if role not in ROLES:
        raise RecfeatError(f"--role {role!r}: choose {', '.join(ROLES)}.")
    known = {*declared, *(other.arm for other in imported_arms(lake))}
    for other in against:
        if other not in known:
            raise RecfeatError(
                f"--against {other!r}: no such arm; `recfeat arms` lists ours, and import first "
                "what this one is held against."
            )


def _check_examples(file: Path, asked: "ToRank") -> None:
    """Whether the file's examples are those of today's catalogue."""
    from recfeat_pipeline.models.imported import digest

    given = _read(file)
    missing = {"example_id", "user_id", "target_item_id", "split"} - set(given.columns)
    if missing:
        raise RecfeatError(f"{file} lacks {sorted(missing)[0]}: name what `recfeat export` wrote.")
    same = given.filter(given["split"] == asked.examples["split"][0])
    found = digest(same)
    if found != asked.digest():
        raise RecfeatError(
            f"{file} holds other examples ({same.height:,}, {found}) than the lake ranks now "
            f"({asked.examples.height:,}, {asked.digest()}): the catalogue or its split has "
            "changed. Export the examples again, and rank those."
        )


def _read(file: Path) -> "pl.DataFrame":
    import polars as pl

    try:
        if file.suffix == ".csv":
            return pl.read_csv(file, infer_schema_length=None)
        return pl.read_parquet(file)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise RecfeatError(f"{file} cannot be read as .parquet or .csv: {reason}") from error
