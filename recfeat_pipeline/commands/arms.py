"""``recfeat arms``: what can be compared."""

from typing import Annotated

import typer

from recfeat_pipeline.commands.options import JsonOption
from recfeat_pipeline.commands.output import dump, hint, number, say, table


def arms(
    context: typer.Context,
    names: Annotated[
        str | None,
        typer.Argument(metavar="[NAMES]", help="Ids, published labels or sections; unset: all."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the arms: models that differ in one thing, so that the difference is its worth.

    Sizes are those on the lake's corpus, else on the published one. A new arm is a new file in
    RECFEAT_ARMS.

    $ recfeat arms
    $ recfeat arms base,control
    """
    from recfeat_pipeline.commands.arm_sizes import described, measure
    from recfeat_pipeline.lake import Lake
    from recfeat_pipeline.models.arms import load_arms, resolve_arms

    lake = Lake(context.obj.settings.lake)
    chosen = resolve_arms(",".join(load_arms()) if names is None else names)
    corpus, sizes = measure(lake, chosen)
    if as_json:
        dump([described(arm, sizes[arm.id]) for arm in chosen])
        return
    columns = dict.fromkeys(
        ("arm", "label", "section", "role", "family", "what it is", "reads"), "left"
    )
    columns |= {"columns": "right", "parameters": "right", "against": "left"}
    table(
        columns,
        [
            (
                arm.id,
                arm.label,
                arm.section,
                arm.role,
                arm.family_name,
                arm.title,
                " + ".join(slot.sources) + (f" ({slot.control})" if slot.control else "") or None,
                number(sizes[arm.id].content_width),
                number(sizes[arm.id].n_parameters),
                ", ".join(arm.against) or None,
            )
            for arm, slot in ((arm, arm.content) for arm in chosen)
        ],
    )
    say(f"Columns of the content slot and trained parameters on {corpus}.")
    hint("recfeat run --arms takes ids, labels and sections.")
