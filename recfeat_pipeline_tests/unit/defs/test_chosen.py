"""Settings that validation chose are told by what the stored runs were trained with."""

from dataclasses import asdict

from recfeat_pipeline.defs.evaluation.chosen import chosen_settings
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.arms import load_arms


def test_what_a_search_and_a_family_chose_is_told_and_what_ships_is_not(tmp_path):
    lake, arms = Lake(str(tmp_path)), load_arms()
    tower, ease, floor = (asdict(arms[name].settings) for name in ("tower", "ease", "floor"))
    searched = {**tower, "dropout": 0.123456}
    for seed in ("0", "1"):
        lake.write_note("made_from", {"settings": searched}, arm="tower", seed=seed)
    for seed, context in (("0", 10), ("1", 50)):
        note = {"settings": ease, "chosen": {"context": context}}
        lake.write_note("made_from", note, arm="ease", seed=seed)
    lake.write_note("made_from", {"settings": floor}, arm="floor", seed="0")
    lake.write_note("made_from", {"file": "ranks.csv"}, arm="somebody_elses", seed="0")
    assert chosen_settings(lake) == [
        {"arm": "ease", "by": "the family", "settings": {"context": "10 or 50"}},
        {"arm": "tower", "by": "--tune", "settings": {"dropout": "0.1235"}},
    ]
