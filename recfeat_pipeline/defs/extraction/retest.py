"""Test and retest, asked for by hand: it costs money and follows nothing."""

import dagster as dg
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


@dg.asset(
    key=["lake", "retests"],
    deps=[["lake", "scores"]],
    pool="llm",
    kinds={"openai", "parquet"},
    check_specs=[
        dg.AssetCheckSpec(
            "scores_repeat",
            asset=["lake", "retests"],
            description="Asked twice, the median dimension correlates at 0.7 or more",
        )
    ],
    **about("extraction", "retests", costs="money"),
)
def retests(
    config: RetestConfig, lake: LakeResource, reporter: dg.ResourceParam[Reporter]
) -> dg.MaterializeResult:
    """How well two askings of the promoted version agree, on a sample of the items.

    One row per prompt version and dimension.
    """
    target, settings = lake.open(), Settings()
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
    problems = retest_problems(frame)
    median = frame["pearson_r"].median()
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": frame.height,
            "items": second["item_id"].n_unique(),
            **({"median_r": median} if isinstance(median, float) else {}),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="scores_repeat",
                passed=not problems,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"problems": problems},
            )
        ],
    )
