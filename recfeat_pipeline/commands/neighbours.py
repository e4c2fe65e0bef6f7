"""``recfeat neighbours``: the items nearest to one, by features or by a trained arm."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from recfeat_pipeline.commands.options import ItemArgument, JsonOption, VersionOption
from recfeat_pipeline.commands.output import dump, say, table
from recfeat_pipeline.errors import RecfeatError

if TYPE_CHECKING:
    import duckdb

    from recfeat_pipeline.lake import Lake


def neighbours(
    context: typer.Context,
    item: ItemArgument,
    space: Annotated[
        str,
        typer.Option(metavar="SPACE", help='"features": what items are; "trained": an arm\'s.'),
    ] = "features",
    arm: Annotated[
        str | None,
        typer.Option(metavar="ARM", help="With --space trained; unset: one with LLM scores."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="With --space trained.")] = 0,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="How many.")] = 10,
    prompt_version: VersionOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the items nearest to an item, by cosine similarity.

    In the space of the features it also says which dimensions both score high on.

    $ recfeat neighbours "Toy Story (1995)"
    $ recfeat neighbours 1 --space trained --arm hybrid_llm --seed 0
    """
    from recfeat_pipeline.commands.explorer import arm_with_vectors
    from recfeat_pipeline.commands.features import open_features
    from recfeat_pipeline.commands.lakes import open_lake
    from recfeat_pipeline.extraction.fingerprint import find_item

    if space not in ("features", "trained"):
        raise RecfeatError(f"--space {space!r}: choose features or trained.")
    lake = open_lake(context.obj.settings)
    with open_features(lake) as store:
        found = find_item(store.table("catalog.items").pl(), item)
        if space == "features":
            where, rows = by_features(store, lake, found["item_id"], number, prompt_version)
        else:
            where, rows = by_arm(
                store, lake, found["item_id"], number, arm or arm_with_vectors(lake), seed
            )
    if not rows:
        raise RecfeatError(
            f"{found['title']} [{found['item_id']}] has no vector in {where}; `recfeat status` "
            "says what has been extracted and trained."
        )
    if as_json:
        about = {"item_id": found["item_id"], "title": found["title"], "space": where}
        dump({**about, "neighbours": rows})
        return
    say(f"Nearest to {found['title']} [{found['item_id']}] in {where}", style="bold")
    print_neighbours(rows)


def print_neighbours(rows: list[dict[str, Any]]) -> None:
    """One line per neighbour."""
    table(
        {"item": "left", "title": "left", "cosine": "right", "both": "left"},
        [
            (
                row["item_id"],
                row["title"],
                f"{row['similarity']:.3f}",
                ", ".join(row["shared"]) or None,
            )
            for row in rows
        ],
    )


def by_features(
    store: "duckdb.DuckDBPyConnection",
    lake: "Lake",
    item_id: int | str,
    number: int,
    wanted: str | None,
) -> tuple[str, list[dict[str, Any]]]:
    """The nearest by scores: the version used, and a row per neighbour."""
    from recfeat_pipeline.commands.features import stored_version
    from recfeat_pipeline.explore.library import read_library
    from recfeat_pipeline.explore.queries import content_neighbours

    version = stored_version(store, lake, wanted)
    library = read_library(store)
    row = library.row_of(str(item_id))
    near = [] if row is None else content_neighbours(library, version, row, number)
    ids, titles = library.items["item_id"], library.items["title"]
    rows = [
        {
            "item_id": ids[other.row],
            "title": titles[other.row],
            "similarity": other.similarity,
            "shared": other.shared,
        }
        for other in near
    ]
    return version, rows


def by_arm(
    store: "duckdb.DuckDBPyConnection",
    lake: "Lake",
    item_id: int | str,
    number: int,
    arm: str,
    seed: int,
) -> tuple[str, list[dict[str, Any]]]:
    """The nearest by a trained arm's item vectors: the arm used, and a row per neighbour.

    Raises:
        RecfeatError: there is no such arm, or it has no run with the seed.
    """
    import numpy as np

    from recfeat_pipeline.explore.queries import nearest
    from recfeat_pipeline.models.arms import resolve_arms

    chosen = resolve_arms(arm)[0]
    vectors = lake.read("item_vectors", arm=chosen.id, seed=str(seed))
    if vectors.is_empty():
        raise RecfeatError(
            f"Arm {chosen.id!r}, seed {seed}, has no item vectors: train it with `recfeat run "
            f"--arms {chosen.id} --seeds {seed}`."
        )
    titles = dict(store.execute("SELECT item_id, title FROM catalog.items").fetchall())
    ids = vectors["item_id"].to_list()
    matrix = np.array(vectors["vector"].to_list(), np.float32)
    near = nearest(matrix, ids.index(item_id), number) if item_id in ids else []
    rows = [
        {"item_id": ids[other], "title": titles[ids[other]], "similarity": cosine, "shared": ()}
        for other, cosine in near
    ]
    return f"the trained space of {chosen.id}, seed {seed}", rows
