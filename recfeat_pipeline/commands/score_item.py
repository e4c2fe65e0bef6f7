"""``recfeat score-item``: features of one item, before or beside the catalogue."""

from pathlib import Path
from typing import Annotated, Any

import typer

from recfeat_pipeline.commands.options import JsonOption, VersionOption
from recfeat_pipeline.commands.output import dollars, dump, number, say
from recfeat_pipeline.errors import RecfeatError


def score_item(
    context: typer.Context,
    tmdb: Annotated[
        int | None, typer.Option(min=1, metavar="ID", help="A film's TMDB id: text is scraped.")
    ] = None,
    title: Annotated[
        str | None, typer.Option(metavar="TITLE", help='Its title, as in "Alien (1979)".')
    ] = None,
    text_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help='Its text, as it is or in lines of "Label: text"; - reads stdin.'
        ),
    ] = None,
    item_id: Annotated[
        str | None, typer.Option(metavar="ID", help="Its id in your catalogue, if it has one.")
    ] = None,
    prompt_version: VersionOption = None,
    neighbours: Annotated[int, typer.Option(min=0, help="How many neighbours to show.")] = 5,
    as_json: JsonOption = False,
) -> None:
    """Score a single item and keep its vector in the feature store.

    Gives a new item features at once: by its TMDB id, whose texts are then collected, or from a
    title and a text of your own. What was answered before is not asked again.

    $ recfeat score-item --tmdb 862
    $ recfeat score-item --title "Solaris (1972)" --text-file solaris.txt
    """
    from recfeat_pipeline.commands.features import open_features, print_fingerprint
    from recfeat_pipeline.commands.lakes import choose_version
    from recfeat_pipeline.commands.neighbours import by_features, print_neighbours
    from recfeat_pipeline.commands.new_items import (
        extract_item,
        from_text,
        from_tmdb,
        read_text,
        rebuild_features,
    )
    from recfeat_pipeline.extraction.types import is_lexical
    from recfeat_pipeline.migrations import open_lake

    if (tmdb is None) == (title is None):
        raise RecfeatError("Name the item by --tmdb ID, or by --title TITLE with --text-file FILE.")
    settings = context.obj.settings
    lake = open_lake(settings.lake)
    lake.open()
    version = choose_version(lake, prompt_version, settings.prompts)
    if version.asks != "scores":
        raise RecfeatError(
            f"{version.name} asks for {version.asks}, not scores; name another --prompt-version."
        )
    if tmdb is not None:
        document = from_tmdb(lake, tmdb, item_id, settings)
    else:
        document = from_text(lake, title or "", read_text(text_file), item_id)
    own_id, shown = document["item_id"][0], document["title"][0]
    scores, cost = extract_item(lake, version, own_id, settings)
    rebuild_features(lake)
    near: list[dict[str, Any]] = []
    if neighbours:
        with open_features(lake) as store:
            _, near = by_features(store, lake, own_id, neighbours, version.key)
    model = scores["model"][0]
    if as_json:
        values = dict(scores.select("dimension", "score").iter_rows())
        about = {"item_id": own_id, "title": shown, "version": version.key, "model": model}
        dump({**about, "cost_usd": cost, "scores": values, "neighbours": near})
        return
    say(f"{shown} [{own_id}]", style="bold")
    print_fingerprint(scores, 0.3)
    no_llm = " (no LLM)" if is_lexical(model) else f", {dollars(cost)}"
    say(f"{version.key}, scored by {model}{no_llm}, from {number(len(document['text'][0]))} chars.")
    if near:
        say()
        say("Nearest", style="bold")
        print_neighbours(near)
    say(f"In the feature store as item {own_id}: recfeat fingerprint {own_id}")
