"""A model is judged by the arm as it would be trained today."""

from recfeat_pipeline.defs.training.judged import as_tuned
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.arms import load_arms


def test_a_tuned_lake_judges_by_what_its_search_found_and_another_by_what_ships(tmp_path):
    lake, arm = Lake(str(tmp_path)), load_arms()["tower"]
    lake.write_note("tuned", {"settings": {"dropout": 0.123}}, arm="tower")
    assert as_tuned(lake, arm) == arm
    lake.open()
    lake.remember(tune=4)
    assert as_tuned(lake, arm).settings.dropout == 0.123
