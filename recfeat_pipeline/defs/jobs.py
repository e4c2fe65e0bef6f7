"""Jobs: what an operator starts by hand, or a schedule or sensor starts."""

from typing import Any

import dagster as dg

from recfeat_pipeline.defs.about import GROUPS
from recfeat_pipeline.defs.automation import STORE
from recfeat_pipeline.defs.extraction.retest import retest_scores
from recfeat_pipeline.defs.text.scraping import source_names

REPORT = dg.AssetSelection.assets("report")

refresh_text = dg.define_asset_job(
    "refresh_text",
    selection=dg.AssetSelection.groups(GROUPS["catalog"])
    | dg.AssetSelection.assets(*(["lake", name] for name in source_names())),
    description="Read the catalogue again and scrape what is due: new items, changed ones, those "
    "whose text has expired. Documents, scores and the feature store follow by themselves where "
    "`follow_changes` is on.",
)

rebuild_feature_store = dg.define_asset_job(
    "rebuild_feature_store",
    selection=STORE - REPORT,
    description="Rebuild every table of the feature store from the lake. Sends no request.",
)

backfill_prompt_version = dg.define_asset_job(
    "backfill_prompt_version",
    selection=dg.AssetSelection.assets(["lake", "responses"], ["lake", "scores"]),
    description="Extract with a prompt version what the ledger does not hold yet: this costs "
    "money. Choose the version and all shards; one run does them all.",
)

run_full_experiment = dg.define_asset_job(
    "run_full_experiment",
    selection=dg.AssetSelection.assets(["lake", "runs"], ["lake", "ranks"]),
    description="Train arms with seeds, one run each, and rank the test examples under each model. "
    "What is trained already is not trained again. Then write the report with `write_report`.",
)

write_report = dg.define_asset_job(
    "write_report",
    selection=dg.AssetSelection.groups(GROUPS["evaluation"]),
    description="Compute the metric tables from the stored ranks, and write the report.",
)

jobs: list[Any] = [  # Dagster has two kinds, of which one has no public name
    refresh_text,
    backfill_prompt_version,
    rebuild_feature_store,
    run_full_experiment,
    write_report,
    retest_scores,
]
