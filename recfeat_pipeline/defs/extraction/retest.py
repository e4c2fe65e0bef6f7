"""Test and retest, asked for by hand: it costs money and follows nothing."""

from typing import Any

import dagster as dg
import polars as pl
from pydantic import Field

from recfeat_pipeline.defs.about import about
from recfeat_pipeline.defs.resources import LakeResource, Reporter
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.engine import choose_backend, limits_of
from recfeat_pipeline.extraction.health import stored_scores
from recfeat_pipeline.extraction.prompts import promoted
from recfeat_pipeline.extraction.reliability import agreement, retest_problems
from recfeat_pipeline.extraction.retest import ask_again
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.schemas import RETESTS
from recfeat_pipeline.settings import Settings


class RetestConfig(dg.Config):
    """Launch options of a retest."""

    share: float = Field(
        0.02, ge=0, le=1, description="Of the items to ask again, once; each costs what it did."
    )


KEY = dg.AssetKey(["lake", "retests"])
retests = dg.AssetSpec(
    KEY,
    deps=[["lake", "scores"]],
    kinds={"openai", "parquet"},
    description="How well two answers to the promoted version agree, on a sample of the items: "
    'asked by the job `retest_scores`, since it costs money and "Materialize all" must not buy it. '
    "One row per prompt version and dimension.",
    **about("extraction", "retests", costs="money"),
)


@dg.asset_check(
    name="scores_repeat",
    asset=KEY,
    description="Asked twice, the median dimension correlates at 0.7 or more",
)
def scores_repeat(lake: LakeResource) -> dg.AssetCheckResult:
    """Looks at the last retest, and asks nobody."""
    return dg.AssetCheckResult(**_found(lake.open().read("retests")))


def _found(frame: pl.DataFrame) -> dict[str, Any]:
    problems = retest_problems(frame)
    warn = dg.AssetCheckSeverity.WARN
    return {"passed": not problems, "severity": warn, "metadata": {"problems": problems}}


@dg.op(pool="llm")
def ask_a_sample_again(
    context: dg.OpExecutionContext,
    config: RetestConfig,
    lake: LakeResource,
    settings: dg.ResourceParam[Settings],
    reporter: dg.ResourceParam[Reporter],
) -> None:
    """Ask a sample of the items once more, and keep how well the answers agree."""
    target = lake.open()
    key = promoted(target, settings.prompts)
    version = load_version(key.partition("@")[0], settings.prompts)
    first = stored_scores(target, key, target.read("items").select("item_id", "title"))
    if first.is_empty() or version.key != key:
        raise RecfeatError(
            f"The lake holds no scores of {version.key}, so there is nothing to ask again: "
            f"`recfeat backfill {version.name}` extracts them."
        )
    limits = limits_of(settings)
    backend = choose_backend(settings, version, limits)
    with reporter.bar(f"Asking again: {version.name}") as progress:
        second, stopped = ask_again(
            target, version, config.share, backend,
            limits=limits, progress=progress, prices=settings.prompts,
        )  # fmt: skip
    if stopped:
        raise RecfeatError(stopped)
    frame = agreement(first, second).cast(RETESTS)  # type: ignore[arg-type]
    target.write("retests", frame, version=key)
    median = frame["pearson_r"].median()
    metadata = {
        "dagster/row_count": frame.height,
        "items": second["item_id"].n_unique(),
        **({"median_r": median} if isinstance(median, float) else {}),
    }
    context.log_event(dg.AssetMaterialization(KEY, metadata=metadata))
    found = dg.AssetCheckEvaluation(KEY, "scores_repeat", **_found(frame))
    context.instance.report_runless_asset_event(found)


@dg.job
def retest_scores() -> None:
    """Ask a sample of the items again under the promoted version. This costs money."""
    ask_a_sample_again()
