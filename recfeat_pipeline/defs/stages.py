"""The stages in the order the data flows; a stage is a folder here and a value of ``--until``."""

import dagster as dg

from recfeat_pipeline.defs.catalog import assets as catalog
from recfeat_pipeline.defs.evaluation import assets as evaluation
from recfeat_pipeline.defs.extraction import assets as extraction
from recfeat_pipeline.defs.feature_store import assets as feature_store
from recfeat_pipeline.defs.text import assets as text
from recfeat_pipeline.defs.training import assets as training

STAGES: dict[str, list[dg.AssetsDefinition]] = {
    "catalog": catalog.assets,
    "text": text.assets,
    "extraction": extraction.assets,
    "feature_store": feature_store.assets,
    "training": training.assets,
    "evaluation": evaluation.assets,
}
