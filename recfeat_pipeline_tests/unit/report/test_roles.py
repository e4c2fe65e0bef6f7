import polars as pl

from recfeat_pipeline.report.inputs import RANKING, RUNS
from recfeat_pipeline.report.provenance import Provenance
from recfeat_pipeline.report.roles import find_roles


def frames(*runs):
    about = pl.DataFrame(
        [{"arm": arm, "label": label, "kind": kind} for arm, label, kind in runs],
        schema={name: RUNS[name] for name in ("arm", "label", "kind")},
    )
    ranking = pl.DataFrame({"arm": [arm for arm, _, _ in runs]}, schema={"arm": RANKING["arm"]})
    return about, ranking


def test_published_labels_decide():
    about, ranking = frames(
        ("x", "C′", "tower"), ("y", "A′", "tower"), ("z", "B′", "tower"), ("r", None, "control")
    )
    roles = find_roles(about, ranking, Provenance(used_llm=True))
    assert (roles.floor, roles.curated, roles.llm, roles.controls) == ("x", "y", "z", ("r",))
    assert roles.name("z") == "LLM features (B′)"
    assert [roles.role(arm) for arm in "xyzr?"] == ["floor", "curated", "llm", "control", "other"]


def test_names_decide_without_labels_and_the_shortest_wins():
    about, ranking = frames(
        ("llm_title_only", None, "tower"), ("llm", None, "tower"), ("floor", None, "tower")
    )
    roles = find_roles(about, ranking, Provenance(used_llm=False))
    assert (roles.floor, roles.llm, roles.curated) == ("floor", "llm", None)
    assert roles.name("llm") == "Lexical features"
    assert roles.name("llm_title_only") == "Llm title only"


def test_baselines_come_first_then_the_parts_then_the_rest():
    about, ranking = frames(
        ("popularity", None, "baseline"),
        ("floor", None, "tower"),
        ("llm", None, "tower"),
        ("random", None, "control"),
        ("a_variant", None, "tower"),
    )
    order = find_roles(about, ranking, Provenance()).order
    assert order == ("popularity", "floor", "llm", "random", "a_variant")


def test_the_provenance_may_name_roles_and_titles():
    about, ranking = frames(("one", None, "tower"), ("two", None, "tower"))
    provenance = Provenance(
        roles={"floor": "one", "controls": ["two"]}, arm_titles={"two": "Control: noise"}
    )
    roles = find_roles(about, ranking, provenance)
    assert (roles.floor, roles.controls, roles.name("two")) == ("one", ("two",), "noise")


def test_without_runs_there_are_no_roles():
    about, ranking = frames()
    assert find_roles(about, ranking, Provenance()).main == ()
