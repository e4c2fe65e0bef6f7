"""How well words are answered: 61 queries of people, with the films that a reader called right.

Recall@10 counts any answer that was called good or acceptable; NDCG@10 counts a good one three
times an acceptable one (gains 2^grade - 1). A follow-up is asked after the turns before it. Words
are read without an LLM; what is compared is what they are matched with. Queries, documents and
recorded scores lie in ``../shared/data``; without them the benchmark says so and measures nothing.

Then somebody who looks for the best answer of a query and knows it by its scores asks, sees three
titles, and where none is a good answer says in what it differs ("more friendship, no war"), five
times at most: the share of queries that end well, and after how many turns.

Shuffled scores are the control: dimensions that are read right, of the wrong films.
``RECFEAT_EMBEDDING_MODEL`` names what embeds query and document; unset: hashed words, no model.
"""

import json
from pathlib import Path

import numpy as np
import polars as pl

from recfeat_pipeline.ask.ranking import Channels, answer
from recfeat_pipeline.ask.reading import read_turns
from recfeat_pipeline.ask.shelf import Shelf
from recfeat_pipeline.extraction.embeddings import Embedder, choose_embedder, normalised
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.taxonomy import Taxonomy, load_taxonomy
from recfeat_pipeline.taxonomy.read import read_taxonomy

DATA = Path(__file__).parents[1].parent / "shared" / "data"
CHARACTERS = 1000  # of a document, that are embedded
MOST_TURNS, GOOD = 6, 2


def run() -> list[dict]:
    if not (DATA / "ask_queries_ml1m.json").exists():
        return [{"name": f"no data in {DATA}", "value": 0, "unit": "queries", "against": "–"}]
    queries = {q["id"]: q for q in json.loads((DATA / "ask_queries_ml1m.json").read_text("utf-8"))}
    embedder = choose_embedder(Settings())
    genome = load_taxonomy("genome132")
    drafted = read_taxonomy(DATA / "taxonomy_llm_drafted.yaml")
    document = pl.read_parquet(DATA / "llm_scores_ml1m.parquet").filter(condition="document")
    shelf = make_shelf(genome, document, embedder)
    shuffled = np.random.default_rng(0).permutation(shelf.scores)
    other = make_shelf(drafted, pl.read_parquet(DATA / "llm_scores_drafted.parquet"), embedder)
    control = Shelf(shelf.items, shelf.texts, shelf.dimensions, shuffled, shelf.vectors)
    text, vectors, dimensions = Channels(1, 0, 0), Channels(0, 1, 0), Channels(0, 0, 1)
    ways = {
        "the words of the text (BM25)": (shelf, text),
        f"embedded text ({embedder.name})": (shelf, vectors),
        "LLM scores (132)": (shelf, dimensions),
        "LLM scores, shuffled: the control": (control, dimensions),
        "LLM scores (drafted taxonomy, 74)": (other, dimensions),
        "words and LLM scores": (shelf, Channels(1, 0, 1)),
        "words, embedded text and LLM scores": (shelf, Channels(1, 1, 1)),
        "words and shuffled scores: the control": (control, Channels(1, 0, 1)),
    }
    rows = []
    for name, (of, channels) in ways.items():
        recall, ndcg = measure(of, channels, queries, embedder)
        against = f"{len(queries)} queries, {of.items.height:,} films"
        rows.append({"name": name, "value": recall, "unit": "recall@10", "against": against})
        rows.append({"name": name, "value": ndcg, "unit": "NDCG@10", "against": against})
    first = {key: query for key, query in queries.items() if not query["after"]}
    for name in ("the words of the text (BM25)", "LLM scores (132)", "words and LLM scores",
                 "words and shuffled scores: the control"):  # fmt: skip
        of, channels = ways[name]
        taken = [turns_taken(of, shelf, channels, query) for query in first.values()]
        for most in (1, 2, 3, MOST_TURNS):
            share = float(np.mean([n is not None and n <= most for n in taken]))
            unit = f"found within {most} {'turn' if most == 1 else 'turns'}"
            rows.append(
                {"name": name, "value": share, "unit": unit, "against": f"{len(first)} users"}
            )
    return rows


def make_shelf(taxonomy: Taxonomy, scores: pl.DataFrame, embedder: Embedder) -> Shelf:
    documents = pl.read_parquet(DATA / "llm_scores_documents.parquet")
    documents = documents.filter(condition="document").sort("item_id")
    films = pl.read_parquet(DATA / "movie_text.parquet").select("item_id", "title", "genres")
    items = documents.join(films, on="item_id", how="left", maintain_order="left").select(
        "item_id",
        "title",
        year=pl.col("title").str.extract(r"\((\d{4})\)\s*$").cast(pl.Int32),
        genres="genres",
    )
    told = taxonomy.frame()
    rows = items.select("item_id", row=pl.int_range(pl.len()))
    columns = told.select("dimension", column=pl.int_range(pl.len()))
    placed = scores.join(rows, on="item_id").join(columns, on="dimension")
    matrix = np.zeros((items.height, told.height), np.float32)
    matrix[placed["row"], placed["column"]] = placed["score"]
    texts = documents["document"].to_list()
    vectors = normalised(embedder.embed([text[:CHARACTERS] for text in texts]))
    return Shelf(items, texts, told, matrix, vectors)


def measure(
    shelf: Shelf, channels: Channels, queries: dict[str, dict], embedder: Embedder
) -> tuple[float, float]:
    """Mean recall@10 and NDCG@10."""
    ids = shelf.items["item_id"].cast(pl.String)
    recalls, ndcgs = [], []
    for query in queries.values():
        taste = read_turns(shelf, turns(query, queries))
        lines = answer(shelf, taste, 10, channels, lambda t: normalised(embedder.embed(t)))
        grades = [query["relevant"].get(ids[line.row], 0) for line in lines]
        best = sorted(query["relevant"].values(), reverse=True)[:10]
        recalls.append(sum(grade > 0 for grade in grades) / len(best))
        ndcgs.append(gain(grades) / gain(best))
    return float(np.mean(recalls)), float(np.mean(ndcgs))


def turns_taken(shelf: Shelf, known: Shelf, channels: Channels, query: dict) -> int | None:
    """Turns until a good answer is among three; None: not within MOST_TURNS.

    Args:
        shelf: what is asked.
        known: the same items as the user knows them.
        channels: how words are matched.
        query: the first words, and the grades of its answers; the best is what is looked for.
    """
    ids = {str(item): row for row, item in enumerate(known.items["item_id"])}
    grades = {ids[item]: grade for item, grade in query["relevant"].items() if item in ids}
    target = max(grades, key=grades.__getitem__)
    said = [query["query"]]
    while len(said) <= MOST_TURNS:
        lines = answer(shelf, read_turns(shelf, said), 3, channels)
        if any(grades.get(line.row, 0) >= GOOD for line in lines):
            return len(said)
        said.append(difference(known, target, [line.row for line in lines], said))
    return None


def difference(known: Shelf, target: int, shown: list[int], said: list[str]) -> str:
    """``more friendship, no war``: where the target differs most from what was shown."""
    names = known.dimensions["dimension"].str.replace_all("_", " ").to_list()
    seen = known.standard_scores[shown].mean(0) if shown else np.zeros(len(names))
    gap = known.standard_scores[target] - seen
    fresh = [n for n in np.argsort(-gap) if not any(names[n] in text for text in said)]
    return f"more {names[fresh[0]]}, no {names[fresh[-1]]}"


def turns(query: dict, queries: dict[str, dict]) -> list[str]:
    before = turns(queries[query["after"]], queries) if query["after"] else []
    return [*before, query["query"]]


def gain(grades: list[int]) -> float:
    return sum((2**grade - 1) / np.log2(place + 2) for place, grade in enumerate(grades))
