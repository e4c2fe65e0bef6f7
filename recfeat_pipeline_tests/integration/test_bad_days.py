"""A fortnight of faults: nothing is bought from a bad day, and yesterday serves."""

from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.integration.automation_world import GROUPS
from recfeat_pipeline_tests.integration.fortnight import N, simulate
from recfeat_pipeline_tests.servers.tmdb_server import KEY


def test_a_fortnight_of_faults(tmp_path, monkeypatch):
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("RECFEAT_CATALOG", str(tmp_path / "catalog.toml"))
    monkeypatch.setenv("TMDB_API_KEY", KEY)
    monkeypatch.setenv("RECFEAT_TMDB_BASE_URL", "http://127.0.0.1:1")  # restored after the test
    monkeypatch.setenv("RECFEAT_TMDB_RATE", "40")
    days = simulate(tmp_path)
    bought = [(day["what happens"], day["calls"]) for day in days if day["calls"]]
    assert bought == [
        ("first load", N * GROUPS),
        ("two films edited", 2 * GROUPS),
        ("7 overviews emptied", 7 * GROUPS),  # too few for a day to be suspicious
        ("7 more", 7 * GROUPS),
        ("accepted", (N - 1) * GROUPS),
    ]
    assert {day["documents"] for day in days} == {N}  # the one that left is kept
    said = {day["what happens"]: day["said"] for day in days if day["said"]}
    assert said.keys() == {
        "all overviews emptied",
        "one placeholder for all",
        "titles all null",
        "an export of 25 of 60 rows",
        "7 more, 35 % in all",
        "all texts rewritten",
    }
    assert "items with Overview fell from 60 to 0" in said["all overviews emptied"]
    assert "distinct texts of Overview fell from 60 to 1" in said["one placeholder for all"]
    assert "items fell from 60 to 25" in said["an export of 25 of 60 rows"]
    assert "items with Overview fell bit by bit, from 60 on " in said["7 more, 35 % in all"]
    for sentence in said.values():
        assert "`recfeat text accept`" in sentence
    assert Lake(tmp_path / "lake").read("left")["item_id"].to_list() == [N]
