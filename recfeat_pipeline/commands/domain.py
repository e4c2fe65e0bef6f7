"""Whether the dimensions that would be scored are dimensions of what the catalogue holds."""

from typing import TYPE_CHECKING

from recfeat_pipeline.errors import RecfeatError

if TYPE_CHECKING:
    import polars as pl

    from recfeat_pipeline.extraction.versions import PromptVersion


def misfit(version: "PromptVersion", items: "pl.DataFrame", fields: "pl.DataFrame") -> str | None:
    """What to say when a version scores films and the items are none; None when it fits.

    Args:
        version: what would be asked.
        items: ITEMS.
        fields: FIELDS of the catalogue.
    """
    from recfeat_pipeline.taxonomy.domain import domain_of, plural, starter_of, suits

    if version.taxonomy is None or suits(version.taxonomy, domain := domain_of(items, fields)):
        return None
    starter = starter_of(domain)
    start = f"`--prompt-version {starter}` scores {plural(domain)}; " if starter else ""
    others = "" if starter else " (`recfeat taxonomy list` shows starters)"
    return (
        f"{version.name} scores {plural(version.taxonomy.item)}, and the catalogue holds "
        f"{plural(domain)}: {start}a taxonomy of your own begins with `recfeat taxonomy derive` "
        f"(from curated tags) or `recfeat taxonomy draft` (by the model){others}"
    )


def refuse_misfit(
    version: "PromptVersion",
    items: "pl.DataFrame",
    fields: "pl.DataFrame",
    *,
    asked: bool,
    paid: bool,
    how: str | None = None,
) -> str | None:
    """Stop before money is spent on dimensions of something else.

    Args:
        version: what would be asked.
        items: ITEMS.
        fields: FIELDS of the catalogue.
        asked: the user wants it all the same.
        paid: a model would answer; the lexical extractor costs nothing.
        how: what asks for it on the command line; unset: naming the version.

    Returns:
        What to warn of where it goes on all the same; None when it fits.

    Raises:
        RecfeatError: nobody asked for the version, and it would cost.
    """
    said = misfit(version, items, fields)
    if said and paid and not asked:
        raise RecfeatError(
            f"Nothing was sent: {said}. `{how or f'--prompt-version {version.name}'}` scores them "
            "as they are."
        )
    return said
