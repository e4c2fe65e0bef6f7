"""Invented titles and documents for the embedded catalogue, written from the true scores.

A document mentions most of an item's strong dimensions in the words of the taxonomy (its gloss or
one of its tags) and now and then one that the item does not have, so that word matching finds a
signal but not the whole truth.
"""

import numpy as np
import polars as pl

from recfeat_pipeline.schemas import FIELDS
from recfeat_pipeline.taxonomy import Dimension, Taxonomy

ADJECTIVES = (
    "Amber", "Borrowed", "Brittle", "Broken", "Burning", "Careful", "Cold", "Copper", "Crooked",
    "Distant", "Drowned", "Early", "Empty", "Faithful", "Final", "Forgotten", "Gentle", "Gilded",
    "Hidden", "Hollow", "Honest", "Idle", "Iron", "Last", "Late", "Little", "Lonely", "Long",
    "Lost", "Narrow", "Northern", "Open", "Ordinary", "Painted", "Paper", "Patient", "Quiet",
    "Restless", "Salt", "Scarlet", "Second", "Secret", "Silver", "Slow", "Southern", "Stolen",
    "Velvet", "Winter",
)  # fmt: skip
NOUNS = (
    "Alibi", "Anchor", "Archive", "Arrow", "Atlas", "Bargain", "Beacon", "Bridge", "Carnival",
    "Cartographer", "Circus", "Clockmaker", "Compass", "Confession", "Corridor", "Courier", "Debt",
    "Detour", "Echo", "Engine", "Envoy", "Estate", "Ferry", "Fever", "Garden", "Gambit", "Harbour",
    "Harvest", "Highway", "Horizon", "Island", "Journal", "Kingdom", "Lantern", "Ledger",
    "Lighthouse", "Machine", "Meridian", "Mirror", "Monsoon", "Orchard", "Orchestra", "Passage",
    "Pilgrim", "Portrait", "Promise", "Quarry", "Railway", "Reunion", "River", "Season", "Signal",
    "Sparrow", "Station", "Stranger", "Summer", "Tailor", "Theatre", "Thread", "Tide", "Verdict",
    "Voyage", "Window", "Witness",
)  # fmt: skip
FIRST_NAMES = ("Ada", "Bruno", "Clara", "Dario", "Edith", "Felix", "Greta", "Hugo", "Ines", "Jonas")
LAST_NAMES = (
    "Abel",
    "Brandt",
    "Corso",
    "Dunne",
    "Egede",
    "Faro",
    "Grieg",
    "Holt",
    "Imani",
    "Jarre",
)

STRONG = (
    "At its heart: {}.", "More than anything, {}.", "From the first scene, {}.",
    "Everything turns on this: {}.",
)  # fmt: skip
WEAK = ("There is a touch of {} in it.", "Some have called it {}.", "Here and there, {}.")
FALSE = ("Do not expect {}.", "A trailer that promised {} misled many.")
NEUTRAL = (
    "The story keeps to a handful of people and one long week.",
    "It opened on a Thursday, after two postponements.",
    "The second half returns to where the first began.",
    "A letter arrives, and nobody agrees on what it says.",
    "The cast had worked together once before.",
    "Much of it was shot in the order in which it is told.",
)
GENRE_GROUPS = ("themes", "setting")


def invent_titles(n: int, rng: np.random.Generator) -> list[str]:
    """``n`` distinct invented titles."""
    pairs = [(a, b) for a in ADJECTIVES for b in NOUNS]
    order = rng.permutation(len(pairs))
    titles = []
    for i in range(n):
        adjective, noun = pairs[order[i % len(pairs)]]
        part = "" if i < len(pairs) else f", Part {i // len(pairs) + 1}"
        titles.append(f"The {adjective} {noun}{part}")
    return titles


class Writer:
    """Writes the fields of items, one after the other, from one random stream."""

    def __init__(self, taxonomy: Taxonomy, rng: np.random.Generator):
        self.rng = rng
        self.dimensions = taxonomy.dimensions
        group_of = {d.name: g.name for g in taxonomy.groups for d in g.dimensions}
        self.genre_like = np.array([group_of[d.name] in GENRE_GROUPS for d in self.dimensions])

    def genres(self, scores: np.ndarray) -> list[str]:
        """Up to three names of the strongest theme and setting dimensions."""
        strength = np.where(self.genre_like, scores, 0.0)
        strongest = np.argsort(-strength, kind="stable")[:3]
        return [self.dimensions[i].name.replace("_", " ") for i in strongest if strength[i] > 0.5]

    def fields(self, items: pl.DataFrame, scores: np.ndarray, thin: np.ndarray) -> pl.DataFrame:
        """Fields of every item, in the FIELDS schema; a thin item has a title and one line."""
        rows = []
        for item, row, is_thin in zip(items.iter_rows(named=True), scores, thin, strict=True):
            texts = {"Title": item["title"]}
            if not is_thin:
                texts["Genres"] = ", ".join(item["genres"])
                texts["Director"] = f"{self._pick(FIRST_NAMES)} {self._pick(LAST_NAMES)}"
                texts["Plot"] = self._plot(row)
            else:
                texts["Plot"] = self._pick(NEUTRAL)
            for position, (label, text) in enumerate(texts.items()):
                if text:
                    rows.append((item["item_id"], "catalog", label, position, text))
        return pl.DataFrame(rows, schema=FIELDS, orient="row")

    def _pick(self, options: tuple[str, ...]) -> str:
        return options[int(self.rng.integers(len(options)))]

    def _plot(self, scores: np.ndarray) -> str:
        told = [
            self._sentence(self.dimensions[i], strong=scores[i] >= 0.6)
            for i in np.nonzero(scores)[0]
            if self.rng.random() < 0.35 + 0.6 * scores[i]
        ]
        absent = self.rng.choice(np.nonzero(scores == 0)[0])
        told.append(self._pick(FALSE).format(self._pick(self.dimensions[absent].genome_tags)))
        told += self.rng.choice(NEUTRAL, 2, replace=False).tolist()
        return " ".join(told[i] for i in self.rng.permutation(len(told)))

    def _sentence(self, dimension: Dimension, strong: bool) -> str:
        tags = dimension.genome_tags
        if strong:
            return self._pick(STRONG).format(self._pick((dimension.gloss, *tags)))
        return self._pick(WEAK).format(self._pick(tags))
