"""``recfeat arms``: what can be compared."""

from functools import cache
from typing import TYPE_CHECKING, Annotated

import typer

from recfeat_pipeline.commands.options import JsonOption
from recfeat_pipeline.commands.output import dump, hint, number, say, table

if TYPE_CHECKING:
    from recfeat_pipeline.lake import Lake
    from recfeat_pipeline.models.arms import Arm


def arms(
    context: typer.Context,
    names: Annotated[
        str | None,
        typer.Argument(metavar="[NAMES]", help="Ids, published labels or sections; unset: all."),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Also those that ask about films where nothing else does.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the arms: models that differ in one thing, so that the difference is its worth.

    Sizes are those on the lake's corpus, else on the published one. A new arm is a new file in
    RECFEAT_ARMS. Built-in arms on other dimensions than the promoted version's are left out, unless
    they are named or --all asks for them.

    $ recfeat arms
    $ recfeat arms base,control
    """
    from recfeat_pipeline.commands.arm_sizes import described, measure
    from recfeat_pipeline.lake import Lake
    from recfeat_pipeline.models.arms import load_arms, resolve_arms

    lake = Lake(context.obj.settings.lake)
    chosen = resolve_arms(",".join(load_arms()) if names is None else names)
    if names is None and not every:
        chosen = _on_own_dimensions(chosen, lake, context.obj.settings.prompts)
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
                _reads(arm),
                number(sizes[arm.id].content_width),
                number(sizes[arm.id].n_parameters),
                ", ".join(arm.against) or None,
            )
            for arm in chosen
        ],
    )
    say(f"Columns of the content slot and trained parameters on {corpus}.")
    hint("recfeat run --arms takes ids, labels and sections.")


def _reads(arm: "Arm") -> str | None:
    """What a model sees besides events: content of items, of users, another arm's order."""
    slot, orders = arm.content, getattr(arm.settings, "pairs_from", "")
    of_items = " + ".join(slot.sources) + (f" ({slot.control})" if slot.control else "")
    of_users = " + ".join(slot.users) + (f" ({slot.user_control})" if slot.user_control else "")
    order = f"the order of {orders}" if orders else ""
    return ", ".join(part for part in (of_items, of_users, order) if part) or None


def _on_own_dimensions(arms: "list[Arm]", lake: "Lake", prompts: str | None) -> "list[Arm]":
    """The arms without built-in ones on other dimensions, or without groups of others."""
    from recfeat_pipeline.extraction.prompts import same_dimensions, version_of_arm

    own = version_of_arm(lake, None, prompts)
    if own is None or own.taxonomy is None:  # imported: nothing says what its dimensions are
        return arms
    groups = {group.name for group in own.taxonomy.groups}
    read = cache(lambda wanted: version_of_arm(lake, wanted, prompts))  # once for all its arms

    def fits(arm: "Arm") -> bool:
        version = read(arm.content.prompt_version)
        return same_dimensions(version, own) and groups >= set(arm.content.groups_left_out)

    return [arm for arm in arms if not arm.is_built_in or fits(arm)]
