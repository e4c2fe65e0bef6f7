"""Read a GroupLens directory: ml-latest-small, ml-latest, ml-20m, ml-25m, ml-32m.

``ratings.csv`` and ``movies.csv`` are required; ``links.csv``, ``tags.csv`` and the tag genome
(``genome-scores.csv`` with ``genome-tags.csv``) are read where present. A user has one rating per
movie in every release, which is checked, not repaired. User tags are the curated source and never
part of the document.
"""

from pathlib import Path

import polars as pl

from recfeat_pipeline.catalog import clean
from recfeat_pipeline.catalog.tables import read_table
from recfeat_pipeline.catalog.types import Catalog, CorpusRules, Note
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.schemas import FIELDS, INTERACTIONS, TAGS

LARGE = 10_000_000  # ratings from which the published corpus rules apply


def is_grouplens(folder: Path) -> bool:
    """Whether the folder holds the two files every release has."""
    return all((folder / name).is_file() for name in ("ratings.csv", "movies.csv"))


def read_grouplens(folder: Path) -> Catalog:
    """Read a GroupLens release.

    Raises:
        RecfeatError: a file is missing or damaged; names the file and the line.
    """
    notes: list[Note] = []
    items = _read_items(folder, notes)
    interactions = _read_ratings(folder, items, notes)
    rules = _rules(interactions.height, notes)
    return Catalog(
        name=folder.resolve().name,
        items=items,
        fields=_fields(items),
        interactions=interactions,
        tags=_read_tags(folder, items, notes),
        rules=rules,
        notes=tuple(notes),
        source=str(folder),
    )


def read_user_tags(folder: Path) -> pl.DataFrame | None:
    """User tags, lower-cased and counted: ``item_id, tag, n_applications``; None without tags.csv.

    ``n_applications / sum over the item`` is the per-movie share that the rich arms use.
    """
    if not (folder / "tags.csv").is_file():
        return None
    raw = read_table(folder / "tags.csv", ["movieId", "tag"], "GroupLens tags").frame
    return (
        raw.select(
            item_id=pl.col("movieId").cast(pl.Int64),
            tag=pl.col("tag").str.strip_chars().str.to_lowercase(),
        )
        .filter(pl.col("tag") != "")
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


def _rules(n_ratings: int, notes: list[Note]) -> CorpusRules:
    if n_ratings >= LARGE:
        return CorpusRules()
    notes.append(
        Note(
            "small_corpus_rules",
            0,
            f"{n_ratings:,} ratings are fewer than {LARGE:,}: items need more than 10 ratings here, "
            "not the published 200.",
        )
    )
    return CorpusRules(more_than_item_interactions=10)


def _read_items(folder: Path, notes: list[Note]) -> pl.DataFrame:
    what = f"GroupLens folder {folder.name}"
    movies = read_table(folder / "movies.csv", ["movieId", "title", "genres"], what).frame.select(
        item_id=pl.col("movieId").cast(pl.Int64),
        title=pl.col("title").str.strip_chars(),
        year=pl.col("title").str.extract(clean.YEAR_IN_TITLE).cast(pl.Int32),
        genres=pl.when(pl.col("genres") == clean.NO_GENRES)
        .then(pl.lit("").str.split("|").list.head(0))
        .otherwise(pl.col("genres").str.split("|")),
    )
    twice = movies.filter(pl.col("item_id").is_duplicated())
    if twice.height:
        raise RecfeatError(
            f"{folder / 'movies.csv'} lists movie {twice['item_id'][0]} twice; ids must be unique."
        )
    if not (folder / "links.csv").is_file():
        notes.append(Note("no_links", 0, "No links.csv: no IMDb or TMDB id for any movie."))
        links = pl.DataFrame(
            schema={"item_id": pl.Int64, "imdb_id": pl.String, "tmdb_id": pl.Int64}
        )
    else:
        links = read_table(
            folder / "links.csv", ["movieId", "imdbId", "tmdbId"], what
        ).frame.select(
            item_id=pl.col("movieId").cast(pl.Int64),
            imdb_id="tt" + pl.col("imdbId").str.zfill(7),
            tmdb_id=pl.col("tmdbId").cast(pl.Int64),
        )
    items = movies.join(links, on="item_id", how="left").sort("item_id")
    without_year = items.filter(pl.col("year").is_null())
    if without_year.height:
        notes.append(
            Note(
                "no_year",
                without_year.height,
                f"{without_year.height:,} titles carry no year.",
                tuple(without_year["title"].head(3)),
            )
        )
    return items


def _read_ratings(folder: Path, items: pl.DataFrame, notes: list[Note]) -> pl.DataFrame:
    path = folder / "ratings.csv"
    try:
        raw = pl.read_csv(
            path,
            schema={
                "userId": pl.Int64,
                "movieId": pl.Int64,
                "rating": pl.Float32,
                "timestamp": pl.Int64,
            },
        )
    except pl.exceptions.PolarsError as error:
        raise RecfeatError(f"{path} is not a GroupLens ratings file ({error}).") from error
    return raw.select(
        user_id="userId",
        item_id="movieId",
        rating="rating",
        timestamp="timestamp",
        split=pl.lit(None, dtype=pl.String),
    ).select(INTERACTIONS.keys())


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
    return (
        pl.concat(parts)
        .filter(pl.col("text").fill_null("") != "")
        .sort("item_id", "position")
        .select(FIELDS.keys())
    )


def _read_tags(folder: Path, items: pl.DataFrame, notes: list[Note]) -> pl.DataFrame | None:
    if (folder / "genome-scores.csv").is_file():
        names = read_table(folder / "genome-tags.csv", ["tagId", "tag"], "tag genome").frame
        scores = pl.read_csv(
            folder / "genome-scores.csv",
            schema={"movieId": pl.Int64, "tagId": pl.Int64, "relevance": pl.Float32},
        )
        tags = scores.join(names.with_columns(pl.col("tagId").cast(pl.Int64)), on="tagId").rename(
            {"movieId": "item_id"}
        )
        return tags.join(items.select("item_id"), on="item_id", how="semi").select(TAGS.keys())
    user_tags = read_user_tags(folder)
    if user_tags is None:
        return None
    notes.append(
        Note(
            "user_tags_as_curated",
            user_tags.height,
            "No genome-scores.csv: the tags that users applied stand in for the tag genome.",
        )
    )
    return user_tags.select(
        "item_id", "tag", relevance=pl.col("n_applications").cast(pl.Float32)
    ).join(items.select("item_id"), on="item_id", how="semi")
