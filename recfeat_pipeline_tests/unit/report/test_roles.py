import polars as pl

from recfeat_pipeline.report.provenance import ArmNote, Provenance
from recfeat_pipeline.report.roles import find_roles
from recfeat_pipeline.report.tables import RANKING, RUNS


def frames(*runs):
    about = pl.DataFrame(
        [{"arm": arm, "label": label, "kind": kind} for arm, label, kind in runs],
        schema={name: RUNS[name] for name in ("arm", "label", "kind")},
    )
    ranking = pl.DataFrame({"arm": [arm for arm, _, _ in runs]}, schema={"arm": RANKING["arm"]})
    return about, ranking


FLOOR = ArmNote(role="floor", section="base")
LLM = ArmNote(title="LLM scores", role="content", section="base", content="llm")
CURATED = ArmNote(role="content", section="base", content="curated")
RANDOM = ArmNote(role="control", section="control", content="llm", control="random")


def test_what_the_arms_declare_decides():
    about, ranking = frames(
        ("x", "C′", "tower"),
        ("y", "A′", "tower"),
        ("z", "B′", "tower"),
        ("noise", None, "control"),
        ("wide_noise", None, "control"),
        ("floor_of_a_kind", None, "tower"),
    )
    notes = {
        "x": FLOOR,
        "y": CURATED,
        "z": LLM,
        "noise": RANDOM,
        "wide_noise": RANDOM.model_copy(update={"content": "curated"}),
        "floor_of_a_kind": FLOOR.model_copy(update={"section": "recency"}),
    }
    roles = find_roles(about, ranking, Provenance(arms=notes, used_llm=True))
    assert (roles.floor, roles.curated, roles.llm) == ("x", "y", "z")
    assert roles.controls == ("noise",), "the other is a control of another arm"
    assert roles.name("z") == "LLM features (B′)"
    parts = ["floor", "curated", "llm", "control", "control", "other"]
    assert [roles.role(a) for a in ("x", "y", "z", "noise", "wide_noise", "?")] == parts


def test_a_name_decides_nothing():
    about, ranking = frames(("llm", None, "tower"), ("floor", None, "tower"))
    roles = find_roles(about, ranking, Provenance(used_llm=False))
    assert roles.main == ()
    assert roles.section("llm") == "base", "an arm that no file declares is shown by its run"


def test_tables_go_section_by_section_with_the_main_arms_first():
    about, ranking = frames(
        ("a_probe", None, "tower"),
        ("popularity", None, "baseline"),
        ("floor", None, "tower"),
        ("both", None, "tower"),
        ("llm", None, "tower"),
        ("random", None, "control"),
        ("an_own", None, "tower"),
    )
    notes = {
        "a_probe": ArmNote(title="LLM scores from the title", role="probe", section="probe"),
        "floor": FLOOR,
        "llm": LLM,
        "both": ArmNote(role="content", section="base", content="curated+llm"),
        "random": RANDOM,
        "an_own": ArmNote(role="content", section="ours", content="llm"),
    }
    roles = find_roles(about, ranking, Provenance(arms=notes, used_llm=False))
    assert roles.order == ("floor", "llm", "both", "random", "popularity", "a_probe", "an_own")
    assert roles.name("a_probe") == "Lexical features from the title", "no LLM, so not named one"


def test_the_provenance_may_name_the_parts():
    about, ranking = frames(("one", None, "tower"), ("two", None, "tower"))
    provenance = Provenance(
        roles={"floor": "one", "controls": ["two"]}, arms={"two": ArmNote(title="Noise")}
    )
    roles = find_roles(about, ranking, provenance)
    assert (roles.floor, roles.controls, roles.name("two")) == ("one", ("two",), "Noise")
    assert roles.role("two") == "control"


def test_without_runs_there_are_no_roles():
    about, ranking = frames()
    assert find_roles(about, ranking, Provenance()).main == ()
