"""Read a GroupLens directory: ml-latest-small, ml-latest, ml-20m, ml-25m, ml-32m.

``ratings.csv`` and ``movies.csv`` are required; ``links.csv``, ``tags.csv`` and the tag genome
(``genome-scores.csv`` with ``genome-tags.csv``) are read where present. ML-32M comes without the
genome; ml-latest, in a folder beside it, lends its own. Where there is no genome, the tags that
users applied stand in for it as the curated source; they are never part of the document.
"""

from pathlib import Path

import polars as pl

from recfeat_pipeline.catalog import clean
from recfeat_pipeline.catalog.hashing import has_repeats
from recfeat_pipeline.catalog.tables import Table, read_numbers, read_table
from recfeat_pipeline.catalog.types import Catalog, CorpusRules, Note
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.schemas import FIELDS, INTERACTIONS, TAGS

LARGE = 10_000_000  # ratings from which the published corpus rules apply
RATINGS = {"userId": pl.Int64, "movieId": pl.Int64, "rating": pl.Float32, "timestamp": pl.Int64}
GENOME = {"movieId": pl.Int64, "tagId": pl.Int64, "relevance": pl.Float32}


def is_grouplens(folder: Path) -> bool:
    """Whether the folder holds the two files every release has."""
    return all((folder / name).is_file() for name in ("ratings.csv", "movies.csv"))


def read_grouplens(folder: Path) -> Catalog:
    """Read a GroupLens release.

    Raises:
        RecfeatError: a file is missing or damaged; names the file and the line.
    """
    folder, notes = folder.resolve(), list[Note]()
    items = _read_items(folder, notes)
    interactions = _read_ratings(folder, items, notes)
    return Catalog(
        name=folder.name,
        items=items,
        fields=_fields(items),
        interactions=interactions,
        tags=_read_tags(folder, items, notes),
        rules=_rules(interactions.height, notes),
        notes=tuple(notes),
        source=str(folder),
    )


def read_user_tags(folder: Path) -> pl.DataFrame | None:
    """User tags, lower-cased and counted: ``item_id, tag, n_applications``; None without tags.csv.

    ``n_applications`` over its sum for the item is the share that the rich arms use.

    Raises:
        RecfeatError: the file is damaged.
    """
    if not (folder / "tags.csv").is_file():
        return None
    table = _read(folder, "tags.csv", "movieId", "tag")
    return (
        table.frame.select(
            item_id=_integers(table, "movieId"),
            tag=clean.text(table.frame["tag"]).str.to_lowercase(),
        )
        .drop_nulls("tag")
        .group_by("item_id", "tag")
        .agg(n_applications=pl.len().cast(pl.Int64))
        .sort("item_id", "tag")
    )


def frequent_tags(user_tags: pl.DataFrame, more_than: int = 1000) -> pl.DataFrame:
    """Tags applied more than ``more_than`` times in all: ``tag, n_applications``, by frequency.

    The published rich metadata uses those applied more than 1,000 times: 306 on ML-32M.
    """
    return (
        user_tags.group_by("tag")
        .agg(pl.col("n_applications").sum())
        .filter(pl.col("n_applications") > more_than)
        .sort(["n_applications", "tag"], descending=[True, False])
    )


def _read(folder: Path, name: str, *columns: str) -> Table:
    return read_table(folder / name, columns, f"GroupLens release {folder.name}")


def _integers(table: Table, name: str) -> pl.Series:
    """A column of ids.

    Raises:
        RecfeatError: one is missing or not an integer; names the line.
    """
    values = clean.integer(table.frame[name])
    if values.null_count():
        row = int(values.is_null().arg_true()[0])
        raise RecfeatError(
            f"{table.path}, {table.places([row])[0]}, column {name!r}: "
            f"{table.frame[name][row]!r} is not a movie id."
        )
    return values


def _rules(n_ratings: int, notes: list[Note]) -> CorpusRules:
    if n_ratings >= LARGE:
        return CorpusRules()
    message = (
        f"{n_ratings:,} ratings are fewer than {LARGE:,}: a corpus item needs more than 10 of "
        "them here, not more than 200 as published"
    )
    notes.append(Note("small_corpus_rules", 0, message))
    return CorpusRules(more_than_item_interactions=10)


def _read_items(folder: Path, notes: list[Note]) -> pl.DataFrame:
    table = _read(folder, "movies.csv", "movieId", "title", "genres")
    movies = pl.DataFrame(
        {
            "item_id": _integers(table, "movieId"),
            "title": clean.text(table.frame["title"]),
            "year": clean.year_in_title(table.frame["title"]),
            "genres": clean.genres(table.frame["genres"]),
        }
    ).with_columns(title=pl.coalesce("title", pl.format("item {}", "item_id")))
    twice = movies["item_id"].is_duplicated()
    if twice.any():
        first, second = table.places(
            movies["item_id"].eq(movies.filter(twice)["item_id"][0]).arg_true().head(2).to_list()
        )
        raise RecfeatError(
            f"{table.path}, {first} and {second}: one movie id twice; remove one of the lines."
        )
    items = movies.join(_read_links(folder, notes), on="item_id", how="left").sort("item_id")
    undated = items.filter(pl.col("year").is_null())["title"]
    if len(undated):
        message = f"movies.csv: {len(undated):,} titles carry no year"
        notes.append(Note("no_year", len(undated), message, tuple(undated.head(3))))
    return items


def _read_links(folder: Path, notes: list[Note]) -> pl.DataFrame:
    if not (folder / "links.csv").is_file():
        notes.append(Note("no_links", 0, "no links.csv: no movie has an IMDb or TMDB id"))
        return pl.DataFrame(schema={"item_id": pl.Int64, "imdb_id": pl.String, "tmdb_id": pl.Int64})
    table = _read(folder, "links.csv", "movieId", "imdbId", "tmdbId")
    return pl.DataFrame(
        {
            "item_id": _integers(table, "movieId"),
            "imdb_id": clean.imdb_id(table.frame["imdbId"]),
            "tmdb_id": clean.integer(table.frame["tmdbId"]),
        }
    ).unique("item_id", keep="first")


def _read_ratings(folder: Path, items: pl.DataFrame, notes: list[Note]) -> pl.DataFrame:
    path = folder / "ratings.csv"
    ratings = read_numbers(path, RATINGS, f"GroupLens release {folder.name}").rename(
        {"userId": "user_id", "movieId": "item_id"}
    )
    if has_repeats(ratings["user_id"], ratings["item_id"]):
        kept = ratings.sort("timestamp", maintain_order=True).unique(
            ["user_id", "item_id"], keep="first", maintain_order=True
        )
        repeats, ratings = ratings.height - kept.height, kept
        message = f"ratings.csv: {repeats:,} repeats of a (user, movie) pair dropped, first kept"
        notes.append(Note("repeated_interactions", repeats, message))
    ratings = _of_known_items(ratings, items, "unknown_items", "ratings.csv", notes)
    if ratings.is_empty():
        raise RecfeatError(
            f"{path}: no rating is of a movie in movies.csv; do they belong together?"
        )
    nothing = {name: pl.lit(None, dtype=INTERACTIONS[name]) for name in ("position", "split")}
    return ratings.with_columns(**nothing).select(INTERACTIONS.keys())


def _of_known_items(
    frame: pl.DataFrame, items: pl.DataFrame, kind: str, file: str, notes: list[Note]
) -> pl.DataFrame:
    unknown = frame.select(pl.col("item_id").unique()).join(items, on="item_id", how="anti")
    if unknown.is_empty():
        return frame
    kept = frame.join(unknown, on="item_id", how="anti", maintain_order="left")
    n_dropped = frame.height - kept.height
    message = f"{file}: {n_dropped:,} rows of movies that are not in movies.csv dropped"
    examples = tuple(f"movie {i}" for i in unknown["item_id"].sort().head(3))
    notes.append(Note(kind, n_dropped, message, examples))
    return kept


def _fields(items: pl.DataFrame) -> pl.DataFrame:
    texts = {
        "Title": pl.col("title"),
        "Genres": pl.col("genres").list.join(", "),
        "Year": pl.col("year").cast(pl.String),
    }
    parts = [
        items.select(
            "item_id",
            source=pl.lit("catalog"),
            label=pl.lit(label),
            position=pl.lit(position, dtype=pl.Int32),
            text=text,
        )
        for position, (label, text) in enumerate(texts.items())
    ]
    fields = pl.concat(parts).filter(pl.col("text").fill_null("") != "")
    return fields.sort("item_id", "position").select(FIELDS.keys())


def _read_tags(folder: Path, items: pl.DataFrame, notes: list[Note]) -> pl.DataFrame | None:
    for place in (folder, folder.parent / "ml-latest"):
        if (place / "genome-scores.csv").is_file():
            if place != folder:
                notes.append(Note("genome_elsewhere", 0, f"tag genome taken from {place}"))
            return _of_known_items(
                _read_genome(place), items, "tags_of_unknown_items", "genome-scores.csv", notes
            )
    applied = read_user_tags(folder)
    if applied is None:
        return None
    message = (
        "no genome-scores.csv: the tags that users applied stand in for the tag genome (ml-latest "
        f"carries it; `recfeat download ml-latest --folder {folder.parent}` puts it in reach)"
    )
    notes.append(Note("user_tags_as_curated", 0, message))
    tags = applied.rename({"n_applications": "relevance"}).cast(TAGS)  # type: ignore[arg-type]
    return _of_known_items(tags, items, "tags_of_unknown_items", "tags.csv", notes)


def _read_genome(folder: Path) -> pl.DataFrame:
    what = f"tag genome of {folder.name}"
    names = read_table(folder / "genome-tags.csv", ["tagId", "tag"], what)
    tags = pl.DataFrame({"tagId": _integers(names, "tagId"), "tag": names.frame["tag"]})
    scores = read_numbers(folder / "genome-scores.csv", GENOME, what)
    named = scores.join(tags, on="tagId", how="inner", maintain_order="left")
    if named.height < scores.height:
        raise RecfeatError(
            f"{folder / 'genome-scores.csv'} uses tag ids that genome-tags.csv lacks; "
            "take both files from one release."
        )
    return named.rename({"movieId": "item_id"}).select(TAGS.keys())
