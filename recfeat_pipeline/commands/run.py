"""``recfeat run``: drive the stages, then show what came out."""

import os

from rich.console import Console

from recfeat_pipeline.commands.progress import RichReporter
from recfeat_pipeline.commands.tables import metric_table
from recfeat_pipeline.defs.drive import Driver, Plan
from recfeat_pipeline.defs.instance import open_instance
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.arms import resolve_arms
from recfeat_pipeline.settings import Settings

STAGE_TITLES = {
    "catalog": "Reading the catalogue",
    "text": "Writing documents",
    "extraction": "Extracting features",
    "feature_store": "Building the feature store",
    "training": "Training and ranking",
    "evaluation": "Computing metrics and the report",
}


def run_pipeline(
    console: Console,
    catalog: str | None,
    prompt_version: str,
    arms: str,
    seeds: list[int],
    steps: int | None,
    until: str,
) -> None:
    """Run the stages up to ``until`` and print the metric table and where to look next."""
    settings = Settings()
    plan = Plan(
        load_version(prompt_version, settings.prompts), resolve_arms(arms), seeds, steps, until
    )
    lake = Lake(settings.lake)
    if catalog:
        os.environ["RECFEAT_CATALOG"] = catalog
    with open_instance(lake) as instance:
        driver = Driver(lake, instance, RichReporter(console))
        driver.run(plan, lambda stage: console.print(f"[bold]{STAGE_TITLES[stage]}[/]"))
    if until != "evaluation":
        console.print(f"Stopped after {until}, as asked. Lake: {lake.root}")
        return
    console.print(metric_table(lake))
    console.print(f"Report:  {lake.path('report', 'report.html')}")
    console.print(f"Explore: RECFEAT_LAKE={settings.lake} recfeat ui")
