"""``recfeat semantic-ids``: the codes that content becomes, how they divide it and collide."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from recfeat_pipeline.commands.options import JsonOption
from recfeat_pipeline.commands.output import dump, number, plural, say, table

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from recfeat_pipeline.content.codes import Codes


def semantic_ids(
    context: typer.Context,
    arm: Annotated[
        str, typer.Argument(metavar="ARM", help="Whose content and settings; one of family tiger.")
    ] = "tiger_llm",
    as_json: JsonOption = False,
) -> None:
    """Show the semantic ids that an arm of the family tiger gives to items.

    Level by level: how many codes there are, how even they are, how alike the items are that share
    the codes so far, and for the largest first codes what they hold. Trains nothing.

    $ recfeat semantic-ids
    $ recfeat semantic-ids tiger_text_embedding --json
    """
    from recfeat_pipeline.commands.features import open_features
    from recfeat_pipeline.commands.lakes import open_lake
    from recfeat_pipeline.content.fill import fill
    from recfeat_pipeline.defs.training.inputs import feature_version
    from recfeat_pipeline.errors import RecfeatError
    from recfeat_pipeline.extraction.prompts import promoted
    from recfeat_pipeline.models.arms import resolve_arms
    from recfeat_pipeline.models.families.tiger import codes_of

    chosen = resolve_arms(arm)[0]
    if chosen.family_name != "tiger":
        raise RecfeatError(f"Arm {chosen.id!r} is of the family {chosen.family_name}, which has no "
                           "semantic ids: name one of `recfeat arms generative`.")  # fmt: skip
    lake = open_lake(context.obj.settings)
    items = lake.read("items")
    with open_features(lake) as store:
        version = feature_version(lake, store, chosen)
        dimensions = lake.read("dimensions", version=version or promoted(lake))
        content = fill(chosen.content, store, items, dimensions, version)
    corpus = items.filter("in_corpus").sort("item_index")
    codes = codes_of(content, corpus.height, chosen.settings)
    rows = by_level(codes, content.matrix)
    shared = codes.collisions()
    groups = largest(codes, content.matrix, content.names, corpus)
    if as_json:
        dump(
            {
                "arm": chosen.id,
                "items": corpus.height,
                "levels": rows,
                "groups": groups,
                "items_sharing_a_code": int(shared.sum()),
                "most_on_one": int(shared.max(initial=0)),
            }
        )
        return  # fmt: skip
    say(f"{plural(corpus.height, 'item')}, {chosen.title}", style="bold")
    table(
        {"codes in common": "left", "groups": "right", "items in the largest": "right",
         "as even as": "right", "mean cosine within": "right"},
        [
            (row["length"], number(row["groups"]), number(row["largest"]), f"{row['even']:.0f}",
             None if row["cosine"] is None else f"{row['cosine']:.2f}")
            for row in rows
        ],
    )  # fmt: skip
    say(
        f"{plural(int(shared.sum()), 'item')} share all codes with another, at most "
        f"{int(shared.max(initial=1))} one id; a last number tells them apart."
    )
    if groups:
        table(
            {"first code": "right", "items": "right", "stands out": "left", "among them": "left"},
            [(g["code"], g["items"], ", ".join(g["columns"]), ", ".join(g["titles"]))
             for g in groups],
        )  # fmt: skip


def by_level(codes: "Codes", matrix: "np.ndarray") -> list[dict[str, Any]]:
    """Of each number of codes in common: groups, the largest, their perplexity, mean cosine."""
    import numpy as np

    rows = []
    for length in range(codes.levels + 1):
        at = codes.prefixes(length) if length else np.zeros(len(codes.values), int)
        counts = np.bincount(at)
        share = counts / counts.sum()
        rows.append(
            {
                "length": length,
                "groups": len(counts),
                "largest": int(counts.max()),
                "even": float(np.exp(-(share * np.log(share)).sum())),
                "cosine": _cosine_within(matrix, at, counts) if matrix.shape[1] else None,
            }
        )
    return rows


def _cosine_within(matrix: "np.ndarray", at: "np.ndarray", counts: "np.ndarray") -> float | None:
    """Mean cosine of two items of one group, centred; a group's sum of vectors has them all."""
    import numpy as np

    centred = matrix - matrix.mean(0)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    sums = np.zeros((len(counts), matrix.shape[1]))
    np.add.at(sums, at, unit)
    pairs = (counts * (counts - 1)).sum()
    within = (sums**2).sum() - (unit**2).sum()
    return float(within / pairs) if pairs else None


def largest(
    codes: "Codes", matrix: "np.ndarray", names: tuple[str, ...], corpus: "pl.DataFrame", n: int = 8
) -> list[dict[str, Any]]:
    """The first codes that most items have: what their content has more of, and the best known."""
    import numpy as np

    first = codes.values[:, 0]
    found = []
    for code in np.bincount(first).argsort(kind="stable")[::-1][:n]:
        inside = first == code
        if not inside.any():
            break
        known = corpus.filter(inside).sort("n_ratings", descending=True)
        more = matrix[inside].mean(0) - matrix.mean(0) if matrix.shape[1] else np.zeros(0)
        columns = [names[column].partition(":")[2] for column in more.argsort()[::-1][:3]]
        columns = [name for name in columns if not name.isdigit()]  # of an embedding: no names
        found.append(
            {
                "code": int(code),
                "items": int(inside.sum()),
                "columns": columns,
                "titles": known["title"].head(3).to_list(),
            }
        )
    return found
