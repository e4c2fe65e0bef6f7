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


def test_published_labels_decide():
    about, ranking = frames(
        ("x", "C′", "tower"),
        ("y", "A′", "tower"),
        ("z", "B′", "tower"),
        ("random", None, "control"),
        ("curated_random", None, "control"),
    )
    roles = find_roles(about, ranking, Provenance(used_llm=True))
    assert (roles.floor, roles.curated, roles.llm) == ("x", "y", "z")
    assert roles.controls == ("random",), "the other is a control of another arm"
    assert roles.name("z") == "LLM features (B′)"
    parts = ["floor", "curated", "llm", "control", "control", "other"]
    assert [roles.role(a) for a in ("x", "y", "z", "random", "curated_random", "?")] == parts


def test_names_decide_without_labels_and_the_shortest_wins():
    about, ranking = frames(
        ("llm_title_only", None, "tower"), ("llm", None, "tower"), ("floor", None, "tower")
    )
    roles = find_roles(about, ranking, Provenance(used_llm=False))
    assert (roles.floor, roles.llm, roles.curated) == ("floor", "llm", None)
    assert roles.name("llm") == "Lexical features"
    assert roles.name("llm_title_only") == "Llm title only"


def test_tables_go_family_by_family_with_the_main_arms_first():
    about, ranking = frames(
        ("a_probe", None, "tower"),
        ("popularity", None, "baseline"),
        ("floor", None, "tower"),
        ("both", None, "tower"),
        ("llm", None, "tower"),
        ("random", None, "control"),
    )
    notes = {"a_probe": ArmNote(title="LLM scores from the title", family="probe")}
    roles = find_roles(about, ranking, Provenance(arms=notes, used_llm=False))
    assert roles.order == ("floor", "llm", "both", "random", "popularity", "a_probe")
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
