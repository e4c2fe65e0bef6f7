"""Every way of putting text into a recommender, side by side, with what it costs to have and serve.

``python -m bench fuse --data DIR --out FOLDER``; DIR and FOLDER as of ``bench recommenders``, whose
lakes these are: what is finished is not fitted again. A row of the printed table is a way of fusing
with a content: its MRR, what it adds to the same recommender without content (percent, 95 %
interval) and beside it what the same content of another item adds, on all, rarely taken and new
items (``--cold-seeds``); the bytes that serving holds of an item; and dollars for 1,000 items at
the list price of the model that ``recfeat estimate`` assumes. Recorded answers were not paid for.
"""

import argparse
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from bench.bench_recommenders import NEW, PLACES, effects, means
from bench.public_lakes import ARM, CATALOGUES, PublicLake, arm_of, write_arms

COUNTED = "hybrid"
"""A way that serves a row of an item-item matrix beside the vector."""
GENERATED = "tiger"
"""A way that serves an item's codes, a byte each."""
CODES = 4


@dataclass(frozen=True)
class Way:
    """How content enters."""

    model: str  # [model] of its arms with content
    floor: str | None = None  # arm without content, where it is another way's
    contents: tuple[str, ...] = ("text_embedding", "llm", "profile")


WAYS = {
    "lightgcn": Way('family = "lightgcn"\nfuse = "concat"'),
    "rlmrec_con": Way('family = "lightgcn"\nfuse = "contrast"', "lightgcn"),
    "rlmrec_gen": Way('family = "lightgcn"\nfuse = "reconstruct"', "lightgcn"),
    "pairs": Way('family = "lightgcn"', "lightgcn"),
    "tower": Way('family = "tower"'),
    "operators": Way('family = "operators"\ncontent = "pooled"', contents=(
        "text_embedding", "llm", "profile", "words"
    )),
    "operators_decoupled": Way('family = "operators"\ncontent = "attention"\n[train]\n'
                               "decoupled = true", "operators", ("words",)),
    "tiger": Way('family = "tiger"'),
    "hybrid": Way('family = "hybrid_tower"'),
}  # fmt: skip
ORDERED = "ordered_by"
"""Arms in whose order, by likeness of content, the way ``pairs`` learns candidates of EASE."""
EVERYBODY = 1_000_000
"""More users than a catalogue has: each gives a pair."""
FLOORS = {way.floor or name for name, way in WAYS.items()}
SOURCES = ("text_embedding", "llm", "profile", "words")
CONTENTS: dict[str, tuple[str | None, str | None]] = {
    "none": (None, None),
    **{name: (name, None) for name in SOURCES},
    **{f"{name}_shuffled": (name, "shuffled") for name in SOURCES},
}
BOUGHT = {"llm": "genome132-v1", "profile": "item-profile-v1"}
"""Contents that a model is asked for, and by which prompt version."""
SLICES = [place for place in PLACES if place != "short history"]
SHOWN = [*SLICES, "new among all"]
assert "new among all" in NEW


def run(options: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Train what is asked for and not there yet; print a table a catalogue."""
    parser = argparse.ArgumentParser("bench fuse")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("bench_lakes"))
    parser.add_argument("--catalogs", default="ml1m-global-time,beauty")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--contents", default=",".join(SOURCES))
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--cold-seeds", default="", help="also with items held back")
    parser.add_argument("--steps", help="of every model; unset: its family's own")
    parser.add_argument("--no-fit", action="store_true", help="print what there is")
    given = parser.parse_args(options)
    if given.data is None:
        print("fuse: no --data DIR with public data was given, so nothing is measured.")
        return []
    ways, asked = given.ways.split(","), given.contents.split(",")
    write(given.out / "arms")
    rows: list[dict[str, Any]] = []
    for name in given.catalogs.split(","):
        if not (given.data / CATALOGUES[name].needs).exists():
            print(f"fuse: {given.data / CATALOGUES[name].needs} is not there: left out.")
            continue
        made, pairs = PublicLake(name, given.data, given.out), pairs_of(name, ways, asked)
        if not given.no_fit:
            made.make()
            how = ["--steps", given.steps] if given.steps else []
            for way, arms in itertools.groupby(pairs, lambda pair: pair[0]):
                names = [arm_of(*pair) for pair in arms]
                wanted = ",".join(dict.fromkeys([WAYS[way].floor or way, *names]))
                for seeds, cold in ((given.cold_seeds, ["--cold-start"]), (given.seeds, [])):
                    if seeds:
                        words = ["--arms", wanted, "--seeds", seeds, *how, *cold]
                        words += ["--examples", str(EVERYBODY)] if way == "pairs" else []
                        made.recfeat("run", *words, "--until", "training")
        rows += _reached(made, pairs)
    return rows


def write(folder: Path) -> None:
    """The arms of every way and content that the package does not ship."""
    for name, way in WAYS.items():
        taken = {None, *way.contents}
        contents = {each: held for each, held in CONTENTS.items() if held[0] in taken}
        if name != "pairs":
            write_arms(folder, {name: way.model}, contents, {name: way.floor or name})
            continue
        orders = {ORDERED: 'family = "reranker"\nbase = "ease"\nby = "content"'}
        write_arms(folder, orders, contents, {ORDERED: "ease"})
        for content, (source, control) in contents.items():
            if source:  # it orders candidates, and is no column of the model
                text = ARM.format(
                    title=f"{name} with {content}",
                    role="control" if control else "content",
                    against=f'["{way.floor}"]',
                    model=f'{way.model}\n[train]\npairs_from = "{arm_of(ORDERED, content)}"',
                )
                (folder / f"{arm_of(name, content)}.toml").write_text(text)


def pairs_of(catalogue: str, ways: Sequence[str], contents: Sequence[str]) -> list[tuple[str, str]]:
    """Ways × contents with their controls, as far as the catalogue has them; by way."""
    has_llm = CATALOGUES[catalogue].scores is not None
    found = []
    for way in ways:
        found += [] if WAYS[way].floor else [(way, "none")]
        for content in contents:
            if content in WAYS[way].contents and (has_llm or content not in BOUGHT):
                found += [(way, content), (way, f"{content}_shuffled")]
    return found


def _reached(made: PublicLake, pairs: Sequence[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """Print the catalogue's table."""
    trained = set(made.lake.read("runs")["arm"])
    wanted = [pair for pair in pairs if arm_of(*pair) in trained]
    if not wanted:
        return
    made.recfeat("run", "--arms", arm_of(*wanted[0]), "--seeds", "0")  # evaluates whatever is there
    ranks = made.lake.read("ranks").filter(pl.col("arm").is_in([arm_of(*w) for w in wanted]))
    reached, found = means(ranks), effects(made.lake, FLOORS)
    prices = {"none": 0.0, **dict.fromkeys(SOURCES, 0.0)}
    for content in {content for _, content in wanted} & set(BOUGHT):
        prices[content] = price(made, BOUGHT[content])
    print(f"\n{made.name}: MRR on test; percent of the same recommender without content\n")
    head = ("way", "content", "seeds", "MRR")
    head += tuple(cell for place in SHOWN for cell in (place, "control"))
    head += ("bytes an item", "dollars for 1,000")
    for cells in (head, ["---"] * len(head)):
        print("| " + " | ".join(cells) + " |")
    for way, content in wanted:
        if content.endswith("_shuffled"):
            continue
        arm, control = arm_of(way, content), arm_of(way, f"{content}_shuffled")
        shown = [way, content, str(reached[arm]["seeds"]), f"{reached[arm]['MRR']:.4f}"]
        for place in SHOWN:
            shown += [found.get((arm, place), ""), found.get((control, place), "")]
        held = served(made, way, arm)
        print("| " + " | ".join((*shown, f"{held:,}", f"{prices[content]:.2f}")) + " |")
        for name, value, unit in (
            ("MRR", reached[arm]["MRR"], ""),
            ("served", held, "bytes an item"),
            ("price", prices[content], "dollars for 1,000 items"),
        ):
            row = {"name": f"{made.name}, {arm}, {name}", "value": value, "unit": unit}
            yield row | {"against": WAYS[way].floor or way}


def served(made: PublicLake, way: str, arm: str) -> int:
    """Bytes that serving holds of an item: single precision, and what a way has beside it."""
    if way == GENERATED:
        return CODES
    seed = made.lake.read("runs").filter(arm=arm)["seed"].min()
    vectors = made.lake.read("item_vectors", arm=arm, seed=seed)
    beside = vectors.height if way == COUNTED else 0
    return 4 * (len(vectors["vector"][0]) + beside)


def price(made: PublicLake, version: str) -> float:
    """Dollars for 1,000 of the catalogue's items, by ``recfeat estimate``; nothing is sent."""
    [estimate] = made.told("estimate", "--prompt-version", version)["estimates"]
    return 1000 * estimate["cost_usd"] / max(estimate["documents"], 1)
