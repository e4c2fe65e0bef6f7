"""Canaries: what an arm recommends to people one can picture, and what it holds to be alike.

Numbers do not show every fault. A list of ten that no one would believe does.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.scorer import Scorer
from recfeat_pipeline.schemas import CANARIES

BUILT_IN = Path(__file__).with_name("personas.toml")
MIN_LIKES = 2
N_GENRES, N_LIKES = 6, 4  # of the personas made from genres


@dataclass(frozen=True)
class Persona:
    """Someone, by what they like: item indices."""

    name: str
    likes: tuple[int, ...]


def read_personas(items: pl.DataFrame, path: Path | None = None) -> list[Persona]:
    """Personas of a file that the catalogue knows.

    Args:
        items: ITEMS.
        path: a TOML file of ``[[persona]]`` tables with ``name`` and ``likes`` (titles or ids);
            None: the built-in ones, and where the catalogue knows none of those, one persona for
            each of its largest genres.

    Raises:
        RecfeatError: the file cannot be read, or the catalogue knows none of its personas.
    """
    try:
        spec = tomllib.loads((path or BUILT_IN).read_text(encoding="utf-8"))
        listed = [(entry["name"], entry["likes"]) for entry in spec["persona"]]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise RecfeatError(
            f"{path}: not a personas file ({error}); it has [[persona]] tables with a name and "
            "a list of likes."
        ) from error
    corpus = items.filter("in_corpus").sort("n_ratings")  # of equal titles the best known one wins
    index = dict(corpus.select(pl.col("item_id").cast(pl.String), "item_index").rows())
    titled = corpus.drop_nulls("title")
    index |= dict(titled.select(pl.col("title").str.to_lowercase(), "item_index").rows())
    found = [
        Persona(name, tuple(index[key] for key in map(_key, likes) if key in index))
        for name, likes in listed
    ]
    known = [persona for persona in found if len(persona.likes) >= MIN_LIKES]
    if not known and path:
        raise RecfeatError(f"{path}: the catalogue knows {MIN_LIKES} likes of no persona in it.")
    return known or _genre_personas(corpus)


def canaries(
    scorer: Scorer,
    vectors: np.ndarray,
    items: pl.DataFrame,
    personas: Sequence[Persona],
    k: int = 10,
) -> pl.DataFrame:
    """Each persona's best unseen items, and the nearest items of each persona's first like.

    Args:
        scorer: the arm at its best checkpoint.
        vectors: its item vectors, [N, W], of unit length.
        items: ITEMS.
        personas: see :func:`read_personas`.
        k: length of a list.

    Returns:
        :data:`~recfeat_pipeline.schemas.CANARIES`.
    """
    corpus = items.filter("in_corpus").sort("item_index")
    parts = [pl.DataFrame(schema=CANARIES)]
    listed: set[tuple[str, str]] = set()  # two personas may begin with one item
    for persona in personas:
        anchor = persona.likes[0]
        name = str(corpus["title"][anchor] or corpus["item_id"][anchor])
        for kind, title, scores, left_out in (
            (
                "persona",
                persona.name,
                scorer.scores(persona.likes, corpus.height),
                list(persona.likes),
            ),
            ("similar", name, vectors @ vectors[anchor], [anchor]),
        ):
            if (kind, title) in listed:
                continue
            listed.add((kind, title))
            open_to = np.setdiff1d(np.arange(len(scores)), left_out)
            best = open_to[np.argsort(-scores[open_to], kind="stable")[:k]]
            parts.append(
                corpus[best].select(
                    pl.lit(kind).alias("kind"),
                    pl.lit(title).alias("name"),
                    pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias("position"),
                    "item_id",
                    "title",
                    pl.Series("score", scores[best].astype(np.float32)),
                )
            )
    return pl.concat(parts, how="vertical_relaxed")


def _key(like: str | int) -> str:
    return str(like).lower()


def _genre_personas(corpus: pl.DataFrame) -> list[Persona]:
    """A fan of each of the largest genres, who likes its best known items."""
    by_genre = corpus.explode("genres").drop_nulls("genres")
    largest = by_genre["genres"].value_counts(sort=True).sort("count", "genres", descending=True)
    personas = []
    for genre in largest["genres"].head(N_GENRES):
        likes = by_genre.filter(pl.col("genres") == genre)["item_index"].tail(N_LIKES)
        if len(likes) >= MIN_LIKES:
            personas.append(Persona(f"Likes {genre}", tuple(likes.reverse())))
    return personas
