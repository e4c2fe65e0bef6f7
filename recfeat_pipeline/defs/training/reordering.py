"""Run an arm that reorders: draw requests, have their candidates ordered, keep what it changed."""

from datetime import UTC, datetime

import numpy as np
import polars as pl

from recfeat_pipeline.catalog.hashing import hash_pairs
from recfeat_pipeline.defs.resources import Reporter
from recfeat_pipeline.defs.training.asking import announce, ask
from recfeat_pipeline.defs.training.reranking import Reranking, Unasked
from recfeat_pipeline.defs.training.served import scorer_of
from recfeat_pipeline.models.candidates import Candidates, likeness
from recfeat_pipeline.models.scorer import Scorer
from recfeat_pipeline.reranking.orders import (
    by_scores,
    choose_weight,
    fused,
    padded,
    ranks,
    reordered,
)
from recfeat_pipeline.reranking.sample import design
from recfeat_pipeline.reranking.showing import Requests, Showing, Shown, features, show, titles
from recfeat_pipeline.reranking_schemas import RERANKED
from recfeat_pipeline.schemas import RUNS
from recfeat_pipeline.settings import Settings

TEXT = 500
"""Characters of a document that says something, as in ``metrics.slices``."""
LAST = 5
"""Newest items whose content says what a user likes, where likeness of content orders."""


def rerank(of: Reranking, settings: Settings, reporter: Reporter) -> None:
    """Run the arm, and put what it leaves in the place of the run before."""
    base = scorer_of(of.base.run, of.base.inputs)
    reported = Drawn(of, base, of.inputs.report_split, of.n)
    places, answers = order(of, reported.asked, settings, reporter, reported.weights)
    frames, weight = [], None
    if of.arm.settings.fusion:
        valid = Drawn(of, base, "valid", max(of.n // 2, 1))
        found, of_valid = order(of, valid.asked, settings, reporter, valid.weights)
        weight = choose_weight(found, valid.asked.places, valid.weights)
        frames.append(valid.frame(fused(found, weight), of_valid))
        places = fused(places, weight)
    save(of, pl.concat([reported.frame(places, answers), *frames]), weight)


class Drawn:
    """The requests of a split, and those of them that are asked.

    Raises:
        Unasked: there is none that can be.
    """

    def __init__(self, of: Reranking, base: Scorer, split: str, n: int):
        data, settings = of.base.inputs.data, of.arm.settings
        whole = Candidates.of(base, data.held_out(split), settings.candidates, data.n_items)
        examples = whole.held.examples
        targets = data.corpus["item_id"].gather(examples["target_index"])
        text = of.run.lake.read("documents").select("item_id", "n_chars")
        known = data.corpus.join(text, on="item_id", how="left", maintain_order="left")
        has_text = (known["n_chars"] >= TEXT).fill_null(False).to_numpy()
        self.requests = design(
            examples.with_columns(
                target_item_id=targets,
                base_rank=pl.Series(whole.ranks),
                coverage=pl.Series(whole.share(has_text)),
                n_new=pl.Series(whole.new(data.counts)),
                eligible=pl.Series((whole.places >= 0) & (whole.lists >= 0).all(1)),
                draw=pl.Series(hash_pairs(examples["user_id"], targets, seed=0)),
            ),
            n,
        )
        rows = self.requests["weight"].is_not_null().arg_true().to_numpy()
        if not len(rows):
            raise Unasked(
                f"Nothing to reorder: of {len(examples):,} {split} examples none has its item in a "
                f"full list of the best {settings.candidates} that {settings.base!r} finds. "
                "`candidates` in the arm's file sets how long a list is."
            )
        self.asked = whole.take(rows)
        self.weights = self.requests["weight"].drop_nulls().to_numpy()

    def frame(self, places: np.ndarray, answers: pl.DataFrame | None) -> pl.DataFrame:
        """RERANKED, from the new places and, of an LLM, what was shown and answered."""
        asked = self.asked.held.examples.select("example_id").with_columns(
            rank=pl.Series(ranks(places, self.asked.places))
        )
        if answers is not None:
            asked = asked.hstack(answers)
        found = self.requests.join(asked, on="example_id", how="left", maintain_order="left")
        absent = [pl.lit(None).alias(name) for name in RERANKED if name not in found.columns]
        return found.with_columns(absent).select(
            pl.col(name) if name.endswith("_id") else pl.col(name).cast(dtype)
            for name, dtype in RERANKED.items()
        )


def order(
    of: Reranking,
    asked: Candidates,
    settings: Settings,
    reporter: Reporter,
    weights: np.ndarray | None = None,
) -> tuple[np.ndarray, pl.DataFrame | None]:
    """Have the candidates of requests put in order.

    Args:
        of: the arm.
        asked: the requests; every list of candidates is full.
        settings: who is asked, and how hard.
        reporter: is told what it costs, and how it goes.
        weights: requests that each stands for, where they are a sample.

    Returns:
        New places [X, K], and ``shown, picks, cache_key`` of an LLM's answers.
    """
    if of.version is None and len(of.under) > 1:
        judge = of.under[1]
        return by_scores(asked.scored_by(scorer_of(judge.run, judge.inputs))), None
    if of.version is None:
        histories, _ = asked.histories(LAST)
        return by_scores(likeness(asked.lists, histories, of.inputs.content.matrix)), None
    assert of.model is not None
    shown = _shown(of, asked)
    about = of.version, of.model, of.run.lake, of.arm.id, settings, reporter
    announce(shown.documents, *about, weights)
    found = ask(shown.documents, *about)
    as_shown = pl.Series("shown", shown.places.tolist(), dtype=RERANKED["shown"])
    return reordered(shown.places, padded(found["picks"])), found.with_columns(as_shown)


def _shown(of: Reranking, asked: Candidates) -> Shown:
    """The requests as the arm shows them."""
    settings, content, corpus = of.arm.settings, of.inputs.content, of.base.inputs.data.corpus
    by_features = settings.items == "features"
    names = features(content.matrix, content.names) if by_features else titles(corpus)
    histories, ratings = asked.histories(settings.history_shown)
    users = asked.held.examples["user_id"].to_list()
    return show(
        Requests(users, histories, ratings, asked.lists),
        names,
        corpus["item_id"],
        Showing(settings.order, settings.history),
    )


def save(of: Reranking, frame: pl.DataFrame, weight: float | None) -> None:
    """Write all that the run leaves; its note last."""
    new = of.run.begin(of.made_from)
    new.lake.write("reranked", frame, **new.key)
    run = dict.fromkeys(RUNS) | {"kind": "reranker", "n_parameters": 0, "steps": 0, "best_step": 0,
                                 "content_width": of.inputs.content.width}  # fmt: skip
    new.lake.write("runs", pl.DataFrame([run], schema=RUNS), **new.key)
    made = {
        "fingerprint": of.made_from,
        "made_at": datetime.now(UTC).isoformat(),
        "prompt_version": of.inputs.version,
        "asked_with": of.version.key if of.version else None,
        "model": of.model,
        "n": of.n,
        "chosen": {} if weight is None else {"fusion_weight": weight},
    }
    new.lake.write_note("made_from", made, **new.key)
    of.run.take()
