"""What a student is taught, and what is measured of it on items that are held out."""

import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from recfeat_pipeline.commands.features import open_features, stored_version
from recfeat_pipeline.commands.lakes import open_lake
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.evaluation.agreement import ALL, agreement_intervals, version_agreement
from recfeat_pipeline.extraction.embeddings import choose_embedder, embed_once
from recfeat_pipeline.extraction.estimate import estimate
from recfeat_pipeline.extraction.student import LEAST_TAUGHT, Student, Views
from recfeat_pipeline.extraction.versions import list_versions, load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings

SIZES = (100, 200, 400, 800)
HELD_OUT = 0.2


@dataclass(frozen=True)
class Teacher:
    """A version's scores, and the texts of the items that it could score."""

    lake: Lake
    version: str
    scores: pl.DataFrame  # SCORES
    dimensions: pl.DataFrame  # DIMENSIONS
    documents: pl.DataFrame  # of the n items, by id
    views: Views  # of the n items
    embedding: str
    tags: pl.DataFrame  # item_id, tag, relevance

    @property
    def item_ids(self) -> pl.Series:
        """Of the n items."""
        return self.documents["item_id"]

    @cached_property
    def scored(self) -> np.ndarray:
        """int64 [m]: which of the n items the version scores."""
        known = self.documents.select("item_id").with_row_index("row")
        held = known.join(self.scores.select("item_id").unique(), on="item_id", how="semi")
        return held["row"].sort().to_numpy().astype(np.int64)

    def rows_of(self, at: np.ndarray) -> pl.DataFrame:
        """SCORES of some of the n items."""
        wanted = self.item_ids.gather(at).to_frame()
        return self.scores.join(wanted, on="item_id", how="semi")

    def values(self, at: np.ndarray) -> np.ndarray:
        """Scores [r, D] of some of the n items, in the order of the dimensions."""
        names = self.dimensions.sort("position")["dimension"].to_list()
        wide = self.rows_of(at).pivot("dimension", index="item_id", values="score")
        ordered = self.item_ids.gather(at).to_frame().join(
            wide, on="item_id", how="left", maintain_order="left"
        )  # fmt: skip
        return ordered.select(names).fill_null(0.0).to_numpy().astype(np.float64)


@dataclass(frozen=True)
class Line:
    """One row of the curve: mean correlations over dimensions, on the items held out."""

    what: str
    answers: int
    with_teacher: float | None  # None: the student says the same of every item
    interval: tuple[float, float] | None  # 95 %, over items
    with_tags: float | None  # None: there are no curated tags
    share: float | None = None  # that words count for
    seconds_per_item: float = 0.0


def find_teacher(settings: Settings, wanted: str | None) -> Teacher:
    """The version's scores, with the corpus' texts embedded once.

    Raises:
        RecfeatError: there is no such version, or too few of its items have a text.
    """
    lake = open_lake(settings)
    with open_features(lake) as store:
        version = stored_version(store, lake, wanted)
        tags = store.table("features.genome").pl()
    scores = lake.read("scores", version=version)
    corpus = lake.read("items").filter("in_corpus")
    documents = lake.read("documents").filter(pl.col("text").str.len_chars() > 0)
    documents = documents.join(corpus, on="item_id", how="semi").sort("item_id")
    texts, embedder = documents["text"].to_list(), choose_embedder(settings)
    views = Views.of(texts, embed_once(lake, texts, embedder))
    dimensions = lake.read("dimensions", version=version).drop("version", strict=False)
    teacher = Teacher(lake, version, scores, dimensions, documents, views, embedder.name, tags)
    if len(teacher.scored) < LEAST_TAUGHT:
        raise RecfeatError(
            f"{version} scores {len(teacher.scored)} items that have a text; a student needs "
            f"{LEAST_TAUGHT}: extract more of them."
        )
    return teacher


def draw(teacher: Teacher, n: int, seed: int) -> np.ndarray:
    """``n`` of the items that the teacher scores, or all."""
    return np.sort(np.random.default_rng(seed).permutation(teacher.scored)[:n])


def measure(teacher: Teacher, seed: int) -> tuple[int, list[Line]]:
    """How many items are held out; a line per number of answers, each more of the same draw.

    After them the control, taught by the texts of other items, and the teacher itself, of which
    only the agreement with curated tags says something.
    """
    order = np.random.default_rng(seed).permutation(teacher.scored)
    n_held = round(HELD_OUT * len(order))
    held, rest = np.sort(order[:n_held]), order[n_held:]
    taught = [rest[:size] for size in SIZES if size <= len(rest)]
    lines = [_line(teacher, held, each, each, "student") for each in taught]
    if taught:
        others = np.random.default_rng(seed + 1).permutation(taught[-1])
        lines.append(_line(teacher, held, taught[-1], others, "control: texts of other items"))
        _, with_tags = _agreement(teacher, held, teacher.values(held))
        lines.append(Line("the teacher itself", len(teacher.scored), None, None, with_tags))
    return n_held, lines


def _line(
    teacher: Teacher, held: np.ndarray, taught: np.ndarray, shown: np.ndarray, what: str
) -> Line:
    """Of a student that is shown some texts with the scores of the taught."""
    student = Student.teach(teacher.views, shown, teacher.values(taught))
    start = time.process_time()
    predicted = student.scores(held)
    seconds = (time.process_time() - start) / len(held)
    own, with_tags = _agreement(teacher, held, predicted)
    return Line(
        what,
        len(taught),
        own["pearson_r"],
        None if own["pearson_r"] is None else (own["ci_low"], own["ci_high"]),
        with_tags,
        student.share,
        seconds,
    )


def _agreement(
    teacher: Teacher, held: np.ndarray, scores: np.ndarray
) -> tuple[dict[str, Any], float | None]:
    """With the teacher, a row of VERSION_AGREEMENT, and with curated tags, where there are any."""
    names = "student", "teacher"
    features = pl.concat(
        [_frame(teacher, held, scores, names[0]),
         _frame(teacher, held, teacher.values(held), names[1])]
    )  # fmt: skip
    told = pl.concat([teacher.dimensions.with_columns(version=pl.lit(name)) for name in names])
    whole = (pl.col("group") == ALL) & pl.col("dimension").is_null()
    own = version_agreement(features, told).filter(whole).row(0, named=True)
    if teacher.tags.is_empty():
        return own, None
    items = teacher.lake.read("items")
    found = agreement_intervals(features, teacher.tags, told, items)
    found = found.filter(whole, version=names[0])
    return own, found["pearson_r"][0] if found.height else None


def _frame(teacher: Teacher, at: np.ndarray, scores: np.ndarray, version: str) -> pl.DataFrame:
    names = teacher.dimensions.sort("position")["dimension"].to_list()
    wide = pl.DataFrame(scores, schema=names)
    wide = wide.with_columns(teacher.item_ids.gather(at), version=pl.lit(version))
    return wide.unpivot(
        names, index=["item_id", "version"], variable_name="dimension", value_name="score"
    )


@dataclass(frozen=True)
class Price:
    """Of a million such items by calls."""

    usd: float
    asked: str  # what of whom, in words


def price_per_million(teacher: Teacher, settings: Settings) -> Price | None:
    """The price of the teacher's version, or of the promoted one where that scores the same.

    None: neither asks for these dimensions, or there is no price for the model.
    """
    names = [each.partition("@")[0] for each in (teacher.version, teacher.lake.meta["promoted"])]
    for name in names:
        if name not in list_versions(settings.prompts):
            continue
        version = load_version(name, settings.prompts)
        if not version.taxonomy or set(version.taxonomy.frame()["dimension"]) != set(
            teacher.dimensions["dimension"]
        ):
            continue
        found = estimate(teacher.documents, version, settings.llm_model, prices=settings.prompts)
        if found.cost_usd is not None:
            usd = found.cost_usd * 1e6 / teacher.documents.height
            return Price(usd, f"{name} asked of {found.model}")
    return None
