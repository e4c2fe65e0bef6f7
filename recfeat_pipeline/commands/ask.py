"""``recfeat ask``: what someone wants, in words, answered from the features."""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recfeat_pipeline.commands.options import JsonOption, VersionOption
from recfeat_pipeline.commands.output import dump, hint, say, table
from recfeat_pipeline.errors import RecfeatError

if TYPE_CHECKING:
    from recfeat_pipeline.ask.ranking import Answer
    from recfeat_pipeline.ask.shelf import Shelf
    from recfeat_pipeline.ask.taste import Taste
    from recfeat_pipeline.explore.library import Library
    from recfeat_pipeline.lake import Lake
    from recfeat_pipeline.settings import Settings


def ask(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORDS]...",
            help="What is wanted, a turn each; none: asked on the terminal, turn by turn.",
        ),
    ] = None,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="How many items.")] = 10,
    prompt_version: VersionOption = None,
    llm: Annotated[
        bool, typer.Option("--llm", help="Let an LLM read the words (ask-v1): a call a turn.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say in words what you want, and see the items that answer it, each with its reasons.

    It reads titles, dimensions, genres, years and negations by their names, without an LLM (with
    --llm, by one), and ranks by the stored scores and texts. A later turn refines the ones before.

    $ recfeat ask "a heist film without much violence" "older please, sixties or seventies"
    $ recfeat ask "something like Inception, but nothing that makes me cry" --llm
    $ recfeat ask
    """
    from recfeat_pipeline.ask.ranking import answer
    from recfeat_pipeline.commands.lakes import open_lake

    settings = context.obj.settings
    lake = open_lake(settings)
    _, shelf, version = read_shelf(lake, prompt_version)
    read, reader = _reading(lake, settings, shelf, llm)
    hint(f"Words are {reader}; scores are those of {version}.")
    said: list[str] = []
    turns = []
    for text in words or _turns():
        said.append(text)
        taste = read(said)
        found = answer(shelf, taste, number)
        turns.append({"turn": text, "items": _rows(shelf, found)})
        if not as_json:
            _print(shelf, text, taste, found)
    if as_json:
        dump({"version": version, "turns": turns})


def read_shelf(lake: "Lake", wanted: str | None) -> tuple["Library", "Shelf", str]:
    """The store's items, the same with their texts, and the version whose scores they have."""
    from recfeat_pipeline.ask.shelf import Shelf
    from recfeat_pipeline.commands.features import open_features, stored_version
    from recfeat_pipeline.explore.library import read_library

    with open_features(lake) as store:
        version = stored_version(store, lake, wanted)
        library = read_library(store)
    documents = lake.read("documents").select("item_id", "text")
    texts = library.items.join(documents, on="item_id", how="left", maintain_order="left")["text"]
    shelf = Shelf(
        items=library.items.select("item_id", "title", "year", "genres"),
        texts=texts.fill_null("").to_list(),
        dimensions=library.dimensions[version],
        scores=library.scores[version],
    )
    return library, shelf, version


def _reading(
    lake: "Lake", settings: "Settings", shelf: "Shelf", llm: bool
) -> tuple[Callable[[Sequence[str]], "Taste"], str]:
    """Turns to a taste, and in words how they are read."""
    if not llm:
        from recfeat_pipeline.ask.reading import read_turns

        return lambda turns: read_turns(shelf, turns), "matched by name (no LLM)"
    from recfeat_pipeline.ask.by_llm import VERSION, question, taste_of
    from recfeat_pipeline.commands.llm import asker
    from recfeat_pipeline.extraction.validation import parse

    ask, model = asker(lake, settings, VERSION)

    def read(turns: Sequence[str]) -> "Taste":
        [text] = ask(question(shelf, turns))
        if text is None:
            raise RecfeatError(
                f"{model} gave no valid answer. Ask without --llm to have words matched by name."
            )
        return taste_of(shelf, parse(text))

    return read, f"read by {model}"


def _turns() -> Iterator[str]:
    """Lines of the terminal, until an empty one.

    Raises:
        RecfeatError: there is no terminal to ask on.
    """
    if not sys.stdin.isatty():
        raise RecfeatError('Say what is wanted, as in: recfeat ask "a warm film, no war"')
    from recfeat_pipeline.ask.taste import QUESTION

    hint(QUESTION)
    while text := typer.prompt("", default="", show_default=False, prompt_suffix="> ").strip():
        yield text


def _rows(shelf: "Shelf", found: "list[Answer]") -> list[dict[str, Any]]:
    items = shelf.items.select("item_id", "title", "year")
    return [
        {**items.row(line.row, named=True), "score": line.score, "reasons": line.reasons}
        for line in found
    ]


def _print(shelf: "Shelf", text: str, taste: "Taste", found: "list[Answer]") -> None:
    say(text, style="bold")
    from recfeat_pipeline.ask.taste import QUESTION

    if taste.says_nothing:
        say(QUESTION)
        return
    table(
        {"item": "left", "title": "left", "why": "left"},
        [
            (row["item_id"], row["title"], ", ".join(row["reasons"]) or None)
            for row in _rows(shelf, found)
        ],
    )
