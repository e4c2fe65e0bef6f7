import polars as pl
import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.arms import arms_frame, load_arms, pairs_from, parse, resolve_arms
from recfeat_pipeline.models.family import FAMILIES, load_family
from recfeat_pipeline.registry import use_folder

FLOOR = 'title = "x"\nrole = "floor"\nsection = "base"\n[model]\nfamily = "published"\n'


def test_every_file_is_an_arm_with_a_title_and_settings_that_its_family_knows():
    arms = load_arms()
    assert {"floor", "curated", "llm", "random", "popularity"} <= arms.keys()
    assert all(arm.title and arm.id == key for key, arm in arms.items())
    assert resolve_arms(",".join(arms)) == list(arms.values())
    assert {arm.family_name for arm in arms.values()} == set(FAMILIES.names())


@pytest.mark.parametrize("names", ["floor,llm", "C', B'", "C′,B′", "floor,llm,floor"])
def test_names_and_published_labels(names):
    assert [arm.id for arm in resolve_arms(names)] == ["floor", "llm"]


def test_a_section_names_all_of_its_arms():
    controls = resolve_arms("control, floor")
    assert {arm.section for arm in controls[:-1]} == {"control"}
    assert len(controls) > 4
    assert controls[-1].id == "floor"


def test_every_arm_but_the_weakest_says_what_it_is_held_against():
    alone = {arm.id for arm in load_arms().values() if not arm.against}
    assert alone == {"popularity", "recent_popularity"}


def test_luck_is_training_factorising_or_drawn_features():
    arms = load_arms()
    assert all(arms[name].is_stochastic for name in ("floor", "sasrec", "ials", "ease_random"))
    assert not any(
        arms[name].is_stochastic for name in ("popularity", "ease", "ease_llm", "markov")
    )


def test_what_is_done_to_content_is_what_a_control_is_for():
    for arm in load_arms().values():
        # of an order, a reranker's or what is learnt from one, a control changes what is shown
        if arm.section != "reranker" and not pairs_from(arm):
            controls = (arm.content.control, arm.content.user_control)
            assert (arm.role == "control") == any(controls), arm.id
        assert arm.role != "floor" or not arm.content.sources, arm.id


@pytest.mark.parametrize("names", ["floor,nope", "", ","])
def test_an_unknown_name_says_where_the_arms_are_listed(names):
    with pytest.raises(RecfeatError, match=r"`recfeat arms` lists"):
        resolve_arms(names)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 1\n" + FLOOR, "'colour'"),
        (FLOOR + '[content]\nsources = ["genome"]', "[content] sources = 'genome'; it is one of"),
        (FLOOR + '[content]\ncontrol = "drawn"', "random, shuffled"),
        (FLOOR + "[content]\ncolour = 1", "[content] colour is unknown"),
        (FLOOR.replace("published", "castle"), "[model] family = 'castle'; it is one of ease"),
        (FLOOR.replace('family = "published"', ""), "[model] family = None"),
        (FLOOR.replace("floor", "roof"), "role = 'roof'; it is one of floor"),
        (FLOOR.replace('section = "base"', ""), "section is missing"),
        (FLOOR.replace('title = "x"', ""), "title is missing"),
        (FLOOR.replace('"x"', "3"), "title = 3 is no text"),
        ("against = 'floor'\n" + FLOOR, "against = 'floor' is no list"),
        ("title = ", "not TOML"),
    ],
)
def test_a_bad_file_is_refused_by_name(text, said):
    with pytest.raises(RecfeatError, match=r"models/arms/mine\.toml") as caught:
        parse("models/arms/mine.toml", text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FLOOR + 'weights = "sum"', "weights = 'sum'; it is one of debiased, debiased_future"),
        (FLOOR + "colour = 1", "[model] colour is no setting of the family; [model] takes context"),
        (FLOOR + "negatives = 9", "[model] negatives is no setting"),
        (FLOOR + "[train]\nnegatives = 9.5", "negatives = 9.5; it is a whole number"),
        (FLOOR + "[train]\nnegatives = true", "negatives = True; it is a whole number"),
        (FLOOR + "recency = 1", "recency = 1; it is true or false"),
        (FLOOR + "[train]\nid_dropout = -1", "id_dropout = -1.0; it is at least 0"),
        (
            FLOOR.replace("published", "lightgcn") + '[content]\nusers = ["user_profile"]',
            "LightGCN aligns content of users",
        ),
        (
            FLOOR + '[content]\nsources = ["genres:a-v1"]',
            "[content] sources = 'genres:a-v1' names a version, and the source 'genres' has none",
        ),
    ],
)
def test_a_setting_that_the_family_does_not_have_is_refused(text, said):
    arm = parse("models/arms/mine.toml", text)
    with pytest.raises(RecfeatError, match=r"models/arms/mine\.toml") as caught:
        _ = arm.settings
    assert said in str(caught.value)


def test_content_for_a_family_that_takes_none_is_refused():
    text = FLOOR.replace("published", "popularity") + '[content]\nsources = ["llm"]'
    with pytest.raises(RecfeatError, match=r"the family popularity takes no \[content\]"):
        _ = parse("mine.toml", text).settings


def test_a_rich_arm_names_the_arm_that_it_adds_to():
    pairs = {arm.id: arm.base for arm in load_arms().values() if arm.base}
    assert pairs == {f"rich_{name}": name for name in ("floor", "curated", "llm", "both")}
    found = dict(arms_frame().select("arm", "base").drop_nulls().iter_rows())
    assert found == pairs


def test_an_arm_that_learns_an_order_reads_what_the_order_was_made_of():
    """So that its control is found, and a table can name it."""
    frame = arms_frame().filter(pl.col("content").str.starts_with("pairs_by_"))
    assert set(frame.select("arm", "content", "control").iter_rows()) == {
        ("lightgcn_pairs", "pairs_by_an_LLM", None),
        ("lightgcn_pairs_other_history", "pairs_by_an_LLM", "shuffled"),
        ("lightgcn_pairs_by_content", "pairs_by_llm", None),
        ("lightgcn_pairs_random", "pairs_by_llm", "random"),
    }


def test_a_family_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(RecfeatError, match="'easy'; did you mean 'ease'"):
        load_family("easy")


@pytest.fixture
def own(tmp_path):
    """A folder of the user's own, and a function that writes a file into it."""
    use_folder(str(tmp_path))

    def write(name: str, text: str):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


FAMILY = """
from recfeat_pipeline.models.family import Family
from recfeat_pipeline.models.scorer import Scores
import torch

def fit(data, content, recipe):
    return Scores(lambda held, start, stop: torch.zeros(stop - start, data.n_items))

family = Family(title="All alike", fit=fit)
"""


def test_arms_and_families_of_the_users_own(own):
    own("families/alike.py", FAMILY)
    own("mine.toml", FLOOR.replace("published", "alike").replace("base", "ours"))
    [arm] = resolve_arms("mine")
    assert arm.family.title == "All alike"
    assert resolve_arms("ours") == [arm]
    assert list(load_arms())[-1] == "mine", "a section of one's own comes last"


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("floor.toml", FLOOR, r"floor\.toml: the arm 'floor' is built in"),
        ("families/ease.py", FAMILY, r"ease\.py: the model family 'ease' is built in"),
        ("families/broken.py", "1 / 0", r"broken\.py cannot be imported: ZeroDivisionError"),
        ("families/empty.py", "", r"empty\.py has no `family`"),
    ],
)
def test_what_is_wrong_with_a_users_file_is_said(own, file, text, said):
    own("mine.toml", FLOOR.replace("published", file.partition("/")[2][:-3] or "published"))
    own(file, text)
    with pytest.raises(RecfeatError, match=said):
        resolve_arms("mine")


def test_a_folder_that_is_not_there_is_said(tmp_path):
    use_folder(str(tmp_path / "none"))
    with pytest.raises(RecfeatError, match=r"RECFEAT_ARMS: .*none is no folder"):
        load_arms()
