"""The feature store: catalogue, features and operations tables, rebuilt from the lake."""

from recfeat_pipeline.defs.feature_store.sql import sql_assets

assets = [sql_assets("feature_store")]
