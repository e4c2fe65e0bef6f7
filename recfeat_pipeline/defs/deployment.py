"""The settings that this code location was loaded with.

Dagster decides some things while it loads the code: which sensors start switched on, when the
schedule ticks, how many shards there are. Work is not done from here: assets, sensors and schedules
get their settings as a resource, which a command may have changed (``recfeat run --catalog``).
"""

from recfeat_pipeline.registry import use_folder
from recfeat_pipeline.settings import Settings

SETTINGS = Settings()
use_folder(SETTINGS.arms)
