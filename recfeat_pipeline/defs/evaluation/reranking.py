"""What reranking is worth: contrasts on sampled requests, answers, prices, policies replayed."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import dagster as dg
import polars as pl

from recfeat_pipeline.defs.about import about
from recfeat_pipeline.defs.automation import FOLLOW_IN_STORE
from recfeat_pipeline.defs.resources import LakeResource
from recfeat_pipeline.defs.training.inputs import report_split
from recfeat_pipeline.evaluation.answers import CALLS, describe, latencies, likeness
from recfeat_pipeline.evaluation.requests import contrast_requests, replay
from recfeat_pipeline.extraction.of_no_item import SHARD
from recfeat_pipeline.freshness import frame_hash
from recfeat_pipeline.frontier import frontier
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.arms import JUDGES, Arm, load_arms
from recfeat_pipeline.registry import own_folder
from recfeat_pipeline.reranking.routing import load_policies, quantile
from recfeat_pipeline.reranking_schemas import RERANKERS, ROUTES

TABLES = {
    "request_contrasts": "What reranking changes over all requests, from a sample of them: each "
    "arm against its base and its controls. One row per pair, slice, metric and cut-off.",
    "rerankers": "How an arm that reorders was answered, at what price and how fast. One row an "
    "arm.",
    "routes": "Policies that send some requests to an LLM, replayed on held-out users. One row per "
    "policy and arm.",
}


@dg.multi_asset(
    name="reranking",
    specs=[
        dg.AssetSpec(
            ["lake", name],
            deps=[["lake", "reranked"], ["lake", "responses"]],
            kinds={"numpy", "parquet"},
            **about("evaluation", name),
            description=text,
            automation_condition=FOLLOW_IN_STORE,
        )
        for name, text in TABLES.items()
    ],
)
def reranking(lake: LakeResource) -> Iterator[dg.MaterializeResult]:
    """Weigh what the stored answers changed; nothing is asked."""
    found = Reranked(lake.open())
    frames = {
        "request_contrasts": found.contrasts(),
        "rerankers": found.rerankers(),
        "routes": found.routes(),
    }
    for name, frame in frames.items():
        lake.open().write(name, frame)
        yield dg.MaterializeResult(
            asset_key=["lake", name],
            metadata={"dagster/row_count": frame.height},
            data_version=dg.DataVersion(frame_hash(frame)),
        )


class Reranked:
    """The runs that reorder requests as the catalogue has them now."""

    def __init__(self, lake: Lake):
        self.lake, split = lake, report_split(lake)
        asked = lake.read("examples").filter(split=split).select("example_id", "user_id")
        rows = lake.read("reranked").filter(split=split)
        self.arms: dict[str, Arm] = {}
        frames = []
        for (name,), part in rows.sort("arm", "seed").group_by("arm", maintain_order=True):
            one_seed = part.filter(seed=part["seed"][0])
            arm = load_arms().get(str(name))
            if arm and one_seed.select("example_id", "user_id").equals(asked):
                self.arms[arm.id] = arm
                frames.append(one_seed.with_columns(base=pl.lit(arm.settings.base)))
        self.rows = pl.concat(frames) if frames else rows.with_columns(base=pl.lit(""))
        self.calls = self._calls()

    def _calls(self) -> pl.DataFrame:
        keys = self.rows.select("cache_key").drop_nulls().unique()
        parts = [
            part.select(CALLS).join(keys, on="cache_key", how="semi", maintain_order="left")
            for part in self.lake.each("responses", [*CALLS], shard=SHARD)
        ]
        return pl.concat(parts) if parts else pl.DataFrame(schema=dict.fromkeys(CALLS, pl.String))

    def contrasts(self) -> pl.DataFrame:
        """Each arm against what its file names."""
        pairs = [(arm.id, other) for arm in self.arms.values() for other in arm.against]
        return contrast_requests(self.rows, pairs)

    def rerankers(self) -> pl.DataFrame:
        """A row per arm."""
        rows = [self._reranker(arm) for arm in self.arms.values()]
        return pl.DataFrame(rows, schema=RERANKERS)

    def _reranker(self, arm: Arm) -> dict[str, Any]:
        of, made = self._of(arm), self._made(arm)
        asked, settings = of.drop_nulls("weight"), arm.settings
        row = dict.fromkeys(RERANKERS) | {
            "arm": arm.id, "base": settings.base, "by": settings.by, "requests": of.height,
            "candidates": settings.candidates, "model": made.get("model"),
            "prompt_version": made.get("asked_with"), "asked": asked.height,
            "fusion_weight": made.get("chosen", {}).get("fusion_weight"),
        }  # fmt: skip
        if settings.by == JUDGES[0]:
            row |= {key: getattr(settings, key) for key in ("history", "order", "items")}
            row |= describe(asked, self._calls_of(asked), settings.candidates)
        return row | self._steadiness(arm)

    def _steadiness(self, arm: Arm) -> dict[str, Any]:
        """How an arm that asks once more agrees with the one that asked the same before."""
        if not arm.settings.repeats:
            return {}
        same = asdict(arm.settings) | {"repeats": False}
        before = next((a for a in self.arms.values() if asdict(a.settings) == same), None)
        if before is None:
            return {}
        both = self._of(arm).select("example_id", "picks").join(
            self._of(before).select("example_id", first="picks"), on="example_id"
        ).drop_nulls()  # fmt: skip
        if both.is_empty():
            return {"repeats": before.id}
        first, overlap = likeness(both["picks"].to_list(), both["first"].to_list())
        return {"repeats": before.id, "same_first": first, "overlap": overlap}

    def routes(self) -> pl.DataFrame:
        """Every policy on every arm that asks an LLM and is no control."""
        rows = []
        for arm in self.arms.values():
            if arm.settings.by != JUDGES[0] or arm.role == "control":
                continue
            of = self._of(arm)
            asked = of.drop_nulls("weight")
            calls = self._calls_of(asked)
            price = describe(asked, calls, arm.settings.candidates)["usd_per_1000"]
            found = []
            for policy in load_policies(own_folder()):
                sent = policy.sends(of)
                share = float(sent.mean())
                found.append({
                    "policy": policy.id, "title": policy.title, "arm": arm.id,
                    "base": arm.settings.base, "sent": share, **replay(of, sent),
                    "usd_per_1000": None if price is None else share * price,
                    "latency_p50_ms": quantile(latencies(calls), share, 0.5),
                    "latency_p95_ms": quantile(latencies(calls), share, 0.95),
                })  # fmt: skip
            best = frontier([row["sent"] for row in found], [row["delta"] for row in found])
            rows += [row | {"on_frontier": is_on} for row, is_on in zip(found, best, strict=True)]
        return pl.DataFrame(rows, schema=ROUTES)

    def _of(self, arm: Arm) -> pl.DataFrame:
        return self.rows.filter(arm=arm.id)

    def _calls_of(self, asked: pl.DataFrame) -> pl.DataFrame:
        return self.calls.join(asked.select("cache_key"), on="cache_key", how="semi")

    def _made(self, arm: Arm) -> dict[str, Any]:
        seed = self._of(arm)["seed"][0]
        return self.lake.read_note("made_from", arm=arm.id, seed=seed) or {}
