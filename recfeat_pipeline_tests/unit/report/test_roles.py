import polars as pl

from recfeat_pipeline.report.provenance import ArmNote, Provenance
from recfeat_pipeline.report.roles import find_roles
from recfeat_pipeline.report.tables import RANKING, RUNS
from recfeat_pipeline.schemas import CONTRASTS


def frames(*runs):
    about = pl.DataFrame(
        [{"arm": arm, "label": label, "kind": kind} for arm, label, kind in runs],
        schema={name: RUNS[name] for name in ("arm", "label", "kind")},
    )
    ranking = pl.DataFrame([{"arm": arm} for arm, _, _ in runs], schema=RANKING)
    return about, ranking, pl.DataFrame(schema=CONTRASTS)


FLOOR = ArmNote(role="floor", section="base")
LLM = ArmNote(title="LLM scores", role="content", section="base", content="llm")
CURATED = ArmNote(role="content", section="base", content="curated")
RANDOM = ArmNote(role="control", section="control", content="llm", control="random")


def test_what_the_arms_declare_decides():
    known = frames(
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
    roles = find_roles(*known, Provenance(arms=notes, used_llm=True))
    assert (roles.floor, roles.curated, roles.llm) == ("x", "y", "z")
    assert roles.controls == ("noise",), "the other is a control of another arm"
    assert roles.name("z") == "LLM features (B′)"
    parts = ["floor", "curated", "llm", "control", "control", "other"]
    assert [roles.role(a) for a in ("x", "y", "z", "noise", "wide_noise", "?")] == parts


def test_a_name_decides_nothing():
    known = frames(("llm", None, "tower"), ("floor", None, "tower"))
    roles = find_roles(*known, Provenance(used_llm=False))
    assert roles.main == ()
    assert roles.section("llm") == "base", "an arm that no file declares is shown by its run"


def test_tables_go_section_by_section_with_the_main_arms_first():
    known = frames(
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
    roles = find_roles(*known, Provenance(arms=notes, used_llm=False))
    assert roles.order == ("floor", "llm", "both", "random", "popularity", "a_probe", "an_own")
    assert roles.name("a_probe") == "Lexical features from the title", "no LLM, so not named one"


def test_the_provenance_may_name_the_parts():
    known = frames(("one", None, "tower"), ("two", None, "tower"))
    provenance = Provenance(
        roles={"floor": "one", "controls": ["two"]}, arms={"two": ArmNote(title="Noise")}
    )
    roles = find_roles(*known, provenance)
    assert (roles.floor, roles.controls, roles.name("two")) == ("one", ("two",), "Noise")
    assert roles.role("two") == "control"


def test_without_runs_there_are_no_roles():
    known = frames()
    assert find_roles(*known, Provenance()).main == ()


def test_the_main_comparison_is_that_of_the_strongest_recommender():
    """Of two recommenders with an LLM's scores and without, the one that ranks better without."""
    notes = {"x": FLOOR, "z": LLM, "noise": RANDOM, "y": CURATED}
    notes |= {arm: note.model_copy(update={"family": "two"}) for arm, note in notes.items()}
    kinds = {"": "baseline", "_llm": "content", "_curated": "content", "_random": "control"}
    for kind, role in kinds.items():
        notes[f"ease{kind}"] = ArmNote(
            role=role, section="ease", family="ease", content=kind[1:].replace("random", "llm"),
            control="random" if kind == "_random" else None, draws=kind == "_random",
        )  # fmt: skip
    about, ranking, contrasts = frames(*((arm, None, "") for arm in notes))
    reached = {"x": 0.1, "ease": 0.2}
    ranking = pl.concat(
        [
            ranking,
            pl.DataFrame(
                [{"arm": arm, "metric": "mrr", "slice": "all", "value": value}
                 for arm, value in reached.items()],
                schema=RANKING,
            ),
        ]
    )  # fmt: skip
    provenance = Provenance(arms=notes, used_llm=True)
    roles = find_roles(about, ranking, contrasts, provenance)
    assert (roles.floor, roles.curated, roles.llm) == ("ease", "ease_curated", "ease_llm")
    assert roles.controls == ("ease_random",)
    assert roles.name("ease_random") == "Random features"
    assert roles.compared == ("ease", "ease_curated", "ease_llm", "ease_random")
    assert roles.order[:4] == roles.compared, "it is shown first"
    assert roles.others == ("x",)
    assert roles.study == {"floor": "x", "curated": "y", "llm": "z"}

    against = [("z", "x"), ("noise", "x"), ("ease_llm", "ease")]
    held = pl.DataFrame([{"arm": a, "reference": b} for a, b in against], schema=CONTRASTS)
    roles = find_roles(about, ranking, held, provenance)
    assert (roles.llm, roles.controls) == ("ease_llm", ()), "its control was held against nothing"
