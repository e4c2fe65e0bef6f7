"""The benchmark of families and contents: its arms are arms, its cells say what they show."""

import polars as pl

from bench import bench_fuse as fuse
from bench.bench_recommenders import _effect, _slice
from bench.public_lakes import CONTENTS, FLOORS, arm_of, write_arms
from recfeat_pipeline.models.arms import load_arms, pairs_from, resolve_arms


def test_every_floor_has_an_arm_of_every_content(tmp_path, monkeypatch):
    write_arms(tmp_path)
    monkeypatch.setattr("recfeat_pipeline.registry._own", [str(tmp_path)])
    names = [arm_of(floor, content) for floor in FLOORS for content in CONTENTS]
    assert len(resolve_arms(",".join(names))) == len(names)
    arms = load_arms()
    short, whole = arms["ease_50_llm"], arms["ease_llm"]
    assert short.content == whole.content
    assert (short.settings.context, short.settings.decay) == (50, 1.0)
    assert arms["sasrec_genres_random"].content.control == "random"
    for floor in FLOORS:
        families = {arms[arm_of(floor, content)].family_name for content in CONTENTS}
        assert len(families) == 1
        assert floor in arms[f"{floor}_genres_shuffled"].against, "or it is not contrasted"


def test_a_cell_is_a_difference_in_percent_of_what_it_is_held_against():
    row = {"delta": 0.01, "reference_value": 0.2, "ci_low": -0.01, "ci_high": 0.03}
    assert _effect(row) == "+5.0 [-5.0, +15.0]"
    assert _effect({**row, "ci_low": None, "ci_high": None}) == "+5.0"


def test_the_rarest_quarter_is_the_tail_of_a_catalogue_without_a_head():
    assert _slice(pl.DataFrame({"slice": ["all", "HEAD", "TAIL"]}), "rarely taken") == "TAIL"
    assert _slice(pl.DataFrame({"slice": ["all", "TAIL", "Q1"]}), "rarely taken") == "Q1"


def test_every_way_of_fusing_has_an_arm_and_a_control_of_every_content_it_takes(
    tmp_path, monkeypatch
):
    fuse.write(tmp_path)
    monkeypatch.setattr("recfeat_pipeline.registry._own", [str(tmp_path)])
    pairs = fuse.pairs_of("ml1m-global-time", list(fuse.WAYS), fuse.SOURCES)
    resolve_arms(",".join(arm_of(*pair) for pair in pairs))
    arms = load_arms()
    for way, content in pairs:
        arm = arms[arm_of(way, content)]
        if content.endswith("_shuffled"):
            partner = arms[arm_of(way, content.removesuffix("_shuffled"))]
            ours, theirs = (pairs_from(each) or each for each in (arm, partner))
            assert ours.content.control == "shuffled"
            assert (ours.content.sources, ours.given) == (theirs.content.sources, theirs.given)
        if content != "none":
            assert (fuse.WAYS[way].floor or way) in arm.against, "or it is not contrasted"
    assert ("tower", "llm") not in fuse.pairs_of("beauty", ["tower"], fuse.SOURCES)
    assert ("rlmrec_con", "none") not in pairs
