"""Public data as lakes that ``recfeat`` itself makes: a catalogue file, a split, scores, arms."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl

from recfeat_pipeline.lake import Lake

FILMS = """
[items]
path = "{data}/movie_text.parquet"
id = "item_id"
title = "title"
genres = "genres"
[items.document]
Genres = "genres"
Director = "directors"
Cast = "cast"
Keywords = "keywords"
Tagline = "tagline"
Overview = "overview"
Plot = "plot"
Wikipedia = "wikipedia_intro"
[tags]
path = "{data}/crowd_tags.parquet"
item = "item_id"
tag = "tag"
relevance = "weight"
"""
ML_1M = """
[interactions]
path = "{data}/movielens-1m/interactions.parquet"
user = "user_id"
item = "item_id"
rating = "rating"
timestamp = "timestamp"
"""
SMALL = """
[interactions]
path = "{data}/ml-latest-small/ratings.csv"
user = "userId"
item = "movieId"
rating = "rating"
timestamp = "timestamp"
[corpus]
more_than_item_interactions = 10
"""
BEAUTY = """
[items]
path = "{data}/amazon-beauty/items.parquet"
id = "item_id"
title = "item_id"
genres = "attributes"
[items.document]
Kind = "attributes"
Keywords = "keywords"
[interactions]
path = "{data}/amazon-beauty/interactions.parquet"
user = "user_id"
item = "item_id"
position = "position"
split = "split"
[corpus]
more_than_item_interactions = 4
min_user_interactions = 5
"""


@dataclass(frozen=True)
class Catalogue:
    """Public data, and how it is held out."""

    file: str  # TOML without a name; {data} is the folder of the data
    needs: str  # in that folder
    split: str | None = None  # None: the data's own
    scores: str | None = None  # recorded scores of an LLM
    profiles: str | None = None  # recorded profiles of an LLM


OF_LLM = "llm_scores_ml1m.parquet", "llm_profiles_ml1m.parquet"
CATALOGUES = {
    "ml1m-global-time": Catalogue(
        ML_1M + 'split = "split"\n' + FILMS, "movielens-1m", None, *OF_LLM
    ),
    "ml1m-three-way": Catalogue(ML_1M + FILMS, "movielens-1m", "three_way", *OF_LLM),
    "ml1m-leave-one-out": Catalogue(
        ML_1M + 'split = "last_two"\n' + FILMS, "movielens-1m", None, *OF_LLM
    ),
    "small-global-time": Catalogue(SMALL + FILMS, "ml-latest-small", "global_time", *OF_LLM),
    "small-three-way": Catalogue(SMALL + FILMS, "ml-latest-small", "three_way", *OF_LLM),
    "beauty": Catalogue(BEAUTY, "amazon-beauty"),
}


LAST_50 = "context = 50\ndecay = 1.0"
FLOORS = {
    "markov": 'family = "markov"',
    "item_knn": 'family = "item_knn"',
    "ease": 'family = "ease"',
    "ease_50": f'family = "ease"\n{LAST_50}',
    "tower": 'family = "tower"',
    "tower_50": f'family = "tower"\n{LAST_50}',
    "hybrid": 'family = "hybrid_tower"',
    "sasrec": 'family = "sasrec"',
    "hybrid_sasrec": 'family = "hybrid_sasrec"',
}
"""Arms without content, and the ``[model]`` of each."""
CONTENTS: dict[str, tuple[str | None, str | None]] = {
    "none": (None, None),
    "llm": ("llm", None),
    "text_embedding": ("text_embedding", None),
    "curated": ("curated", None),
    "genres": ("genres", None),
    "random": ("llm", "random"),
    "shuffled": ("llm", "shuffled"),
    "genres_random": ("genres", "random"),
    "genres_shuffled": ("genres", "shuffled"),
}
"""What is in the slot: a source, and what is done to it."""
ARM = """title = "{title}"
role = "{role}"
section = "benchmark"
against = {against}
[model]
{model}
"""


def arm_of(floor: str, content: str) -> str:
    """The id of a floor's arm with a content."""
    return floor if content == "none" else f"{floor}_{content}"


@dataclass(frozen=True)
class PublicLake:
    """One of :data:`CATALOGUES` below ``out``, made from the public data in a folder."""

    name: str
    data: Path
    out: Path

    @property
    def lake(self) -> Lake:
        """What was made of it so far."""
        return Lake(self.out / self.name)

    def make(self) -> None:
        """Read the catalogue, and the recorded scores where there are some; once."""
        if self.lake.has("documents"):
            return
        catalogue, file = CATALOGUES[self.name], self.out / f"{self.name}.toml"
        self.out.mkdir(parents=True, exist_ok=True)
        file.write_text(f'name = "{self.name}"\n{catalogue.file.format(data=self.data.resolve())}')
        split = ["--split", catalogue.split] if catalogue.split else []
        self.recfeat("run", "--catalog", str(file), *split, "--until", "text")
        if catalogue.scores:
            scores = pl.read_parquet(self.data / catalogue.scores).filter(condition="document")
            scores.write_parquet(self.out / "scores.parquet")
            given = ["--taxonomy", "genome132", "--name", "llm", "--promote"]
            self.recfeat("import-scores", str(self.out / "scores.parquet"), *given)
        if catalogue.profiles and (self.data / catalogue.profiles).exists():
            self.recfeat("import-profiles", str((self.data / catalogue.profiles).resolve()))

    def recfeat(self, *words: str) -> None:
        """Run a command on the lake, one model at a time.

        Raises:
            CalledProcessError: it failed, and has said why.
        """
        self._run(words)

    def told(self, *words: str) -> Any:
        """What a command says with --json; raises as :meth:`recfeat`."""
        return json.loads(self._run((*words, "--json"), stdout=subprocess.PIPE).stdout)

    def _run(self, words: Sequence[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        own = {"RECFEAT_LAKE": str(self.out / self.name), "RECFEAT_ARMS": str(self.out / "arms")}
        command = [sys.executable, "-m", "recfeat_pipeline.cli", *words]
        environment = os.environ | {"RECFEAT_WORKERS": "1"} | own
        return subprocess.run(command, env=environment, check=True, **options)


def write_arms(
    folder: Path,
    floors: Mapping[str, str] = FLOORS,
    contents: Mapping[str, tuple[str | None, str | None]] = CONTENTS,
    against: Mapping[str, str] | None = None,
) -> None:
    """The arms of :func:`arm_of` that the package does not ship.

    ``against`` names, by a floor that is none, the arm without content that its arms are held
    against; unset: the floor itself.
    """
    references = against or {}
    folder.mkdir(parents=True, exist_ok=True)
    shipped = files("recfeat_pipeline.models").joinpath("arms")
    for floor, model in floors.items():
        reference = references.get(floor, floor)
        for content, (source, control) in contents.items():
            name = arm_of(floor, content)
            if content == "none" and reference != floor:
                continue
            if not shipped.joinpath(f"{name}.toml").is_file():
                text = ARM.format(
                    title=f"{floor} with {content}",
                    role="control" if control else "content" if source else "floor",
                    against=f'["{reference}"]' if source else "[]",
                    model=model,
                )
                text += f'[content]\nsources = ["{source}"]\n' if source else ""
                text += f'control = "{control}"\n' if control else ""
                (folder / f"{name}.toml").write_text(text)
