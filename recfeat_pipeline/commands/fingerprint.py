"""``recfeat fingerprint``: what the extractor says of an item."""

from typing import Annotated

import typer

from recfeat_pipeline.commands.options import ItemArgument, JsonOption, VersionOption
from recfeat_pipeline.commands.output import dump, say
from recfeat_pipeline.errors import RecfeatError


def fingerprint(
    context: typer.Context,
    item: ItemArgument,
    prompt_version: VersionOption = None,
    least: Annotated[
        float, typer.Option(min=0, max=1, help="The lowest score that is shown.")
    ] = 0.3,
    as_json: JsonOption = False,
) -> None:
    """Show an item's highest scores, group by group.

    With --json, all of its scores.

    $ recfeat fingerprint "Toy Story (1995)"
    $ recfeat fingerprint 1 --least 0.5
    """
    from recfeat_pipeline.commands.features import (
        open_features,
        print_fingerprint,
        scores_of,
        stored_version,
    )
    from recfeat_pipeline.commands.lakes import open_lake
    from recfeat_pipeline.extraction.fingerprint import find_item
    from recfeat_pipeline.extraction.types import is_lexical

    lake = open_lake(context.obj.settings)
    with open_features(lake) as store:
        found = find_item(store.table("catalog.items").pl(), item)
        version = stored_version(store, lake, prompt_version)
        scores = scores_of(store, version, found["item_id"])
    if scores.is_empty():
        why, remedy = ", for it is outside the corpus", "`recfeat score-item` scores a single item"
        if found["in_corpus"]:
            why, remedy = "", f"`recfeat backfill {version.partition('@')[0]}` extracts them"
        raise RecfeatError(
            f"{found['title']} [{found['item_id']}] has no scores of {version}{why}; {remedy}."
        )
    model = scores["model"][0]
    if as_json:
        values = dict(scores.select("dimension", "score").iter_rows())
        names = {"item_id": found["item_id"], "title": found["title"], "year": found["year"]}
        dump({**names, "version": version, "model": model, "scores": values})
        return
    say(f"{found['title']} [{found['item_id']}]", style="bold")
    print_fingerprint(scores, least)
    no_llm = " (no LLM)" if is_lexical(model) else ""
    say(f"{version}, scored by {model}{no_llm} on {scores['generated_at'][0]:%Y-%m-%d}.")
