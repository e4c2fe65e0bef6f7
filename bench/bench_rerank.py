"""A real model's order of a recommender's thirty candidates, and every control that was recorded.

``python -m bench rerank --data DIR`` where DIR holds ``llm_rerank_ml1m.parquet``,
``movielens-1m/interactions.parquet``, ``movie_text.parquet`` and ``llm_scores_ml1m.parquet``. The
recorded answers are served by the loopback server, so that they come through prompt, engine,
validation and ledger like bought ones. Every case has its target among the thirty, so figures are
conditional on that; a request has it there in a fifth to a quarter of cases.

Where the history was shown in no order, everything reads it so: the free orders too.

An order is the thirty as something puts them: EASE fed what was shown (the base), a model, EASE fed
the last five only, EASE with the reading (context, fading) that is best on the other half of the
cases, and likeness of LLM scores to the last five. Those cost nothing.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from recfeat_pipeline.evaluation.answers import first_third, likeness
from recfeat_pipeline.evaluation.metrics import measure
from recfeat_pipeline.evaluation.requests import contrast_sampled
from recfeat_pipeline.extraction.backends.online import OnlineBackend
from recfeat_pipeline.extraction.rankings import rank_candidates
from recfeat_pipeline.extraction.reliability import retest_version
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.item_models import ease, gram
from recfeat_pipeline.models.reading import READINGS, Reading
from recfeat_pipeline.models.taken import Taken
from recfeat_pipeline.reranking.orders import by_scores, ranks, reordered
from recfeat_pipeline.reranking.routing import load_policies
from recfeat_pipeline.reranking.showing import Requests, Showing, show
from recfeat_pipeline_tests.servers.openai_answers import Knowledge
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer

MRR = measure("mrr")
RIDGE = 300.0  # of the EASE that chose the candidates
LAST = 5
SHOWINGS = {
    "candidates_shuffled": ("", Showing()),
    "candidates_in_base_order": (", base order", Showing(candidates="base")),
    "history_shuffled": (", history shuffled", Showing(history="shuffled")),
}
"""Condition to how it is called, and how it was shown."""
Rows = list[dict[str, Any]]


def run(options: Sequence[str] = ()) -> Rows:
    parser = argparse.ArgumentParser("bench rerank")
    parser.add_argument("--data", type=Path)
    data = parser.parse_args(options).data
    if data is None or not (data / "llm_rerank_ml1m.parquet").exists():
        print("rerank: no --data DIR with llm_rerank_ml1m.parquet, so nothing is measured.")
        return []
    torch.set_num_threads(1)
    world = World(data)
    cases = pl.read_parquet(data / "llm_rerank_ml1m.parquet")
    first = cases.unique(["condition", "case_id"], keep="first", maintain_order=True)
    again = cases.join(first, on=["condition", "case_id", "reader"], how="anti")
    rows: Rows = []
    changes = {}
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder)
        lake.open()
        for (shown, condition), part in first.sort("history_shown", "condition").group_by(
            "history_shown", "condition", maintain_order=True
        ):
            of = Condition(world, str(condition), part, again, lake)
            rows += of.rows(f"{shown} films{SHOWINGS[of.condition][0]}")
            changes[shown, condition] = of.ranked
    return [*rows, *_same_cases(changes), *_routed(changes)]


def _routed(ranked: dict[Any, pl.DataFrame]) -> Rows:
    """Policies on the length of the history, replayed over the cases of all three lengths."""
    cases = pl.concat(
        part.with_columns(history_length=pl.lit(shown), coverage=1.0, n_new=0)
        for (shown, condition), part in ranked.items()
        if condition == "candidates_shuffled"
    )
    before, after, users = (cases[name].to_numpy() for name in ("base", "rank", "user"))
    rows = []
    for policy in load_policies():
        if not all(key.startswith("history") for key in policy.when):
            continue  # text and newness were not recorded
        sent = policy.sends(cases)
        found = contrast_sampled(
            np.where(sent, after, before), before, users, np.ones(len(users)), MRR
        )
        said = f"{_said(found, 'the base')}; {sent.mean():.0%} of {len(users)} cases are sent"
        rows.append(_line("routing", policy.title, found["arm_value"], "MRR", said))
    return rows


def _same_cases(ranked: dict[Any, pl.DataFrame]) -> Rows:
    """The model with a history in order less the model with the same one in none."""
    both = ranked[50, "candidates_shuffled"].join(
        ranked[50, "history_shuffled"], on=["user", "target"], suffix="_shuffled"
    )
    ours, theirs, users = (both[name].to_numpy() for name in ("rank", "rank_shuffled", "user"))
    found = contrast_sampled(ours, theirs, users, np.ones(len(users)), MRR)
    said = f"{_said(found, 'the same in no order')}; {both.height} cases"
    return [_line("50 films, in order less shuffled", "the model", found["delta"], "MRR", said)]


class World:
    """MovieLens 1M: titles, scores, and the EASE that chose the candidates."""

    def __init__(self, data: Path):
        events = pl.read_parquet(data / "movielens-1m/interactions.parquet")
        self.ids = events["item_id"].unique().sort()
        self.index = {item: at for at, item in enumerate(self.ids)}
        train = (
            events.filter(split="train")
            .sort("user_id")
            .select("user_id", item_index=pl.col("item_id").replace_strict(self.index))
        )
        self.weights = ease(gram(Taken.of(train, len(self.ids))), RIDGE)
        text = pl.read_parquet(data / "movie_text.parquet").select("item_id", "title")
        named = self.ids.to_frame().join(text, on="item_id", how="left", maintain_order="left")
        self.names = named["title"].fill_null("?").to_list()
        scores = pl.read_parquet(data / "llm_scores_ml1m.parquet").filter(condition="document")
        columns = {name: at for at, name in enumerate(scores["dimension"].unique().sort())}
        self.scores = np.zeros((len(self.ids), len(columns)), np.float32)
        rows = scores["item_id"].replace_strict(self.index).to_numpy()
        self.scores[rows, scores["dimension"].replace_strict(columns).to_numpy()] = scores["score"]

    def places(self, lists: pl.Series) -> list[np.ndarray]:
        return [np.array([self.index[item] for item in items]) for items in lists]


class Condition:
    """The cases of one length of history and one way of showing them."""

    def __init__(
        self, world: World, condition: str, cases: pl.DataFrame, again: pl.DataFrame, lake: Lake
    ):
        self.world, self.condition, self.cases, self.lake = world, condition, cases, lake
        histories = world.places(cases["history"])
        unknown = [np.full(len(history), np.nan) for history in histories]
        base = np.stack(world.places(cases["base_order"]))
        self.requests = Requests(cases["user_id"].to_list(), histories, unknown, base)
        targets = cases["target_item_id"].replace_strict(world.index).to_numpy()
        self.targets = (base == targets[:, None]).argmax(1)
        shown = np.stack(world.places(cases["shown"]))
        self.places = (base[:, None, :] == shown[:, :, None]).argmax(2)
        second = cases.select("case_id").join(
            again.filter(condition=condition).select("case_id", "answer"),
            on="case_id", how="left", maintain_order="left",
        )["answer"]  # fmt: skip
        self.retested = second.is_not_null().to_numpy()
        self.answers = [cases["answer"].to_list(), second.to_list()]

    def rows(self, name: str) -> Rows:
        picks = self._asked()
        base = self.targets + 1
        model = ranks(reordered(self.places, picks), self.targets)
        free = {
            f"EASE on the last {LAST}": self._ease(Reading(LAST, 1.0)),
            "EASE, its best reading": self._best_reading(),
            f"LLM scores like the last {LAST}": self._like(),
        }
        self.ranked = pl.DataFrame(
            {
                "user": self.requests.users,
                "target": self.cases["target_item_id"],
                "rank": model,
                "base": base,
            }
        )
        rows = [self._row(name, "the base", base, base), self._row(name, "the model", model, base)]
        for what, rank in free.items():
            rows.append(self._row(name, what, rank, base))
        for what, rank in free.items():
            rows.append(self._row(name, "the model", model, rank, what))
        moved = self._moved(model, base)
        spread = moved["sd_users"] / moved["reference_value"]
        rows.append(_line(name, "spread of a case's change", spread, "of the base's MRR", "–"))
        near, chance = first_third(picks.tolist(), 30)
        rows.append(_line(name, "first pick in the first ten numbers", near, "of cases",
                          f"chance {chance:.2f}"))  # fmt: skip
        if self.retested.any():
            rows += self._retest(name, picks, model, base)
        return rows

    def _asked(self) -> np.ndarray:
        """What the engine gets from the recorded answers, by number, [X, 10]."""
        version = load_version("rerank-v1")
        versions = [version, retest_version(version)]
        shown = show(
            self.requests,
            self.world.names,
            self.world.ids,
            SHOWINGS[self.condition][1],
            self.places,
        )
        known = {
            (text, v.params["seed"]): answer
            for v, answers in zip(versions, self.answers, strict=True)
            for text, answer in zip(shown.documents["text"], answers, strict=True)
            if answer is not None
        }
        with OpenAIServer(Knowledge(known)) as server:
            read = []
            everything = np.full(len(self.targets), True)
            for v, wanted in zip(versions, (everything, self.retested), strict=True):
                documents = shown.documents.filter(pl.Series(wanted))
                if documents.is_empty():
                    continue
                backend = OnlineBackend("loopback", server.base_url, "key")
                picked, _ = rank_candidates(documents, v, self.lake, backend)
                read.append(np.array(picked["picks"].to_list()))
        self.second = read[-1]
        return read[0]

    def _ease(self, reading: Reading) -> np.ndarray:
        """Ranks of the targets when EASE puts the thirty in order, read otherwise."""
        oldest_first = [history[::-1][-reading.context :] for history in self.requests.histories]
        lengths = np.array([len(history) for history in oldest_first])
        taken = Taken(
            torch.from_numpy(np.cumsum(lengths) - lengths),
            torch.from_numpy(np.concatenate(oldest_first)),
            len(self.world.ids),
        )
        scores = torch.nn.functional.embedding_bag(
            taken.columns, self.world.weights, taken.offsets, mode="sum",
            per_sample_weights=reading.weights(taken),
        )  # fmt: skip
        thirty = np.take_along_axis(scores.numpy(), self.requests.shortlists, 1)
        return ranks(by_scores(thirty), self.targets)

    def _best_reading(self) -> np.ndarray:
        """Each half of the users read in the way that is best for the other half."""
        tried = np.stack([self._ease(reading) for reading in READINGS])
        halves = np.array([user % 2 for user in self.requests.users])
        of_half = [int((1 / tried[:, halves == half]).mean(1).argmax()) for half in (0, 1)]
        return np.where(halves == 0, tried[of_half[1]], tried[of_half[0]])

    def _like(self) -> np.ndarray:
        """Ranks by the cosine of LLM scores to the mean of the last films'."""
        scores = self.world.scores - self.world.scores.mean(0)
        unit = scores / np.maximum(np.linalg.norm(scores, axis=1, keepdims=True), 1e-6)
        taste = np.stack([unit[history[:LAST]].mean(0) for history in self.requests.histories])
        likeness = np.einsum("xd,xkd->xk", taste, unit[self.requests.shortlists])
        return ranks(by_scores(likeness), self.targets)

    def _retest(self, name: str, picks: np.ndarray, model: np.ndarray, base: np.ndarray) -> Rows:
        asked = self.retested
        same, overlap = likeness(picks[asked].tolist(), self.second.tolist())
        places = reordered(self.places[asked], self.second)
        second = ranks(places, self.targets[asked])
        users = np.array(self.requests.users)[asked]
        ones = np.ones(len(users))
        moved = contrast_sampled(second, base[asked], users, ones, MRR)
        against = f"{asked.sum()} cases read twice"
        return [
            _line(name, "second reading, first pick the same", same, "of cases", against),
            _line(name, "second reading, picks the same", overlap, "of picks", against),
            _line(name, "second reading", moved["arm_value"], "MRR", _said(moved, "the base")),
        ]

    def _row(
        self, name: str, what: str, ours: np.ndarray, theirs: np.ndarray,
        reference: str = "the base",
    ) -> dict[str, Any]:  # fmt: skip
        found = self._moved(ours, theirs)
        against = f"{len(ours)} cases" if what == reference else _said(found, reference)
        label = what if reference == "the base" else f"{what} less {reference}"
        value = found["arm_value"] if reference == "the base" else found["delta"]
        return _line(name, label, value, "MRR", against)

    def _moved(self, ours: np.ndarray, theirs: np.ndarray) -> dict[str, Any]:
        users = np.array(self.requests.users)
        return contrast_sampled(ours, theirs, users, np.ones(len(users)), MRR)


def _said(found: dict[str, Any], reference: str) -> str:
    low, high = (100 * found[end] / found["reference_value"] for end in ("ci_low", "ci_high"))
    return f"{100 * found['relative']:+.0f} % [{low:+.0f}, {high:+.0f}] on {reference}"


def _line(name: str, what: str, value: float, unit: str, against: str) -> dict[str, Any]:
    return {"name": f"{name}: {what}", "value": value, "unit": unit, "against": against}
