"""Prompt versions are folders; their content is their identity."""

import re

import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction import extract, list_versions, load_version, scores
from recfeat_pipeline.extraction.estimate import PROVIDER_CACHES_FROM
from recfeat_pipeline.extraction.prompts import (
    describe_versions,
    diff_versions,
    new_version,
    promote,
    promoted,
    show_version,
    version_of_arm,
)
from recfeat_pipeline.extraction.tokens import rough_tokens
from recfeat_pipeline.extraction.versions import list_probes, probe_of
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.taxonomy import load_taxonomy
from recfeat_pipeline_tests.unit.extraction.cases import Scripted, documents, write_version

GROUPS = ("themes", "tone", "setting", "provenance", "reception", "visual")


def test_the_built_in_version_asks_six_groups_of_132_dimensions():
    version = load_version("genome132-v1")
    asked = [list(q.schema["properties"]["scores"]["properties"]) for q in version.questions]
    assert version.groups == GROUPS
    assert [len(names) for names in asked] == [32, 26, 32, 24, 11, 7]
    assert [name for names in asked for name in names] == [
        d.name for d in load_taxonomy("genome132").dimensions
    ]
    for question, names in zip(version.questions, asked, strict=True):
        assert all(f"- {name}: " in question.system for name in names)


@pytest.mark.parametrize("name", list_versions())
def test_every_built_in_version_says_that_the_document_is_data(name):
    version = load_version(name)
    assert version.key.startswith(f"{name}@")
    for question in version.questions:
        assert "<document>" in question.system
        assert "never follow" in question.system
        assert "{{" not in question.system
        assert question.schema["additionalProperties"] is False
        assert "minimum" not in str(question.schema)
        first = {"ranking": "ranking", "taste": "liked"}.get(version.asks, version.echo)
        assert next(iter(question.schema["properties"])) == first


def test_the_groups_share_their_first_words():
    """So that a provider's prefix cache serves all six."""
    systems = [q.system for q in load_version("genome132-v1").questions]
    assert len({system.split("The list:")[0] for system in systems}) == 1


def test_the_key_follows_the_content(tmp_path):
    same = write_version(tmp_path, "a")
    base = load_version("genome132-v1")
    assert same.key.split("@")[1] == base.key.split("@")[1]
    changes = {
        "model": 'model = "other"\n',
        "seed": "[params]\nseed = 2\n",
        "cut": "[cuts]\nPlot = 100\n",
        "labels": '[document]\nlabels = ["Plot"]\n',
    }
    keys = {write_version(tmp_path, name, extra=e).key.split("@")[1] for name, e in changes.items()}
    edited = write_version(tmp_path, "b", calibration="Score. {{ echo }}")
    assert len(keys | {edited.key.split("@")[1], base.key.split("@")[1]}) == 6


def test_a_comment_or_a_description_changes_nothing(tmp_path):
    version = write_version(tmp_path, extra='# why\ndescription = "another"\n')
    assert version.key.split("@")[1] == load_version("genome132-v1").key.split("@")[1]


def test_a_version_is_loaded_by_its_key_only_while_its_files_match(tmp_path):
    version = write_version(tmp_path)
    assert load_version(version.key, tmp_path) == version
    write_version(tmp_path, calibration="Changed. {{ echo }}")
    with pytest.raises(RecfeatError, match=r"are now small@.* restore its files"):
        load_version(version.key, tmp_path)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ('asks = "poems"\n', "asks = 'poems' is not one of"),
        ('echo = "smell"\n', "echo = 'smell' is not one of"),
        ("temprature = 0\n", "'temprature', which nothing reads"),
        ('taxonomy = "nosuch"\n', "No taxonomy 'nosuch'"),
        ("model = \n", "not valid TOML"),
        ('model = ""\n', "does not set 'model'"),
    ],
)
def test_a_mistake_in_the_settings_is_one_sentence(tmp_path, extra, message):
    with pytest.raises(RecfeatError, match=message):
        write_version(tmp_path, extra=extra)


def test_mistakes_in_files_are_named(tmp_path):
    with pytest.raises(RecfeatError, match=r"groups/tone.md is not a valid template"):
        write_version(tmp_path, groups__tone="{{ nosuch }}")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "version.toml").write_text('name = "b"\nextends = "a"\n')
    with pytest.raises(RecfeatError, match="'a' extends itself: a → b"):
        write_version(tmp_path, "a", extends="b")
    with pytest.raises(
        RecfeatError, match=r"No prompt version 'nosuch'. There are: .*genome132-v1"
    ):
        load_version("nosuch")
    with pytest.raises(RecfeatError, match="is no folder"):
        list_versions(tmp_path / "absent")


def test_list_and_show(tmp_path):
    write_version(tmp_path)
    infos = {i.name: i for i in describe_versions(Lake(tmp_path / "lake"), tmp_path)}
    assert infos["genome132-v1"].promoted
    assert (infos["small"].groups, infos["small"].promoted) == (6, False)
    text = show_version("small", tmp_path)
    assert all(f"== {group} ==" in text for group in GROUPS)
    assert "serial_killer" in text


def test_probes_of_films_are_not_listed_for_something_else(tmp_path):
    lake, mine = Lake(tmp_path / "lake"), tmp_path / "prompts"
    write_version(mine)  # the user's own, which scores films
    every = {i.name for i in describe_versions(lake, mine)}
    assert {"genome132-v1+title-only", "genome132-overview-only", "genome132-one-call"} <= every
    lake.remember(promoted=load_version("products-starter").key)
    listed = {i.name for i in describe_versions(lake, mine)}
    assert {n for n in listed if n.startswith("genome132")} == {"genome132-v1"}
    assert {"products-starter+title-only", "products-starter+first-100"} <= listed - every
    assert {"small", "products-starter", "books-starter", "item-profile-v1"} <= listed
    plain = {name for name in every if "+" not in name}
    listed = {i.name for i in describe_versions(lake, mine, every=True)}
    assert {name for name in listed if "+" not in name} == plain
    lake.remember(promoted="imported@12345678")
    assert {i.name for i in describe_versions(lake, mine)} == plain


def test_diff_says_which_groups_are_bought_again(tmp_path):
    write_version(tmp_path, groups__tone="New. {{ dimensions }}")
    diff = diff_versions("genome132-v1", "small", tmp_path)
    assert diff.bought == ("tone",)
    assert diff.kept == tuple(g for g in GROUPS if g != "tone")
    assert any(line.startswith("+New. {{ dimensions }}") for line in diff.lines)
    write_version(tmp_path, "hot", extra="[params]\ntemperature = 0.9\n")
    assert diff_versions("genome132-v1", "hot", tmp_path).bought == GROUPS
    assert diff_versions("genome132-v1", "genome132-v1").lines == ()


def test_a_new_version_extends_another(tmp_path):
    path = new_version("mine", "genome132-v1", tmp_path / "prompts")
    assert path.name == "version.toml"
    mine = load_version("mine", tmp_path / "prompts")
    assert mine.questions == load_version("genome132-v1").questions
    with pytest.raises(RecfeatError, match="already"):
        new_version("mine", "genome132-v1", tmp_path / "prompts")
    for name in ("../evil", "Über", "", "a/b", "a@b"):
        with pytest.raises(RecfeatError, match="cannot name a prompt version"):
            new_version(name, "genome132-v1", tmp_path / "prompts")
    with pytest.raises(RecfeatError, match="Set RECFEAT_PROMPTS"):
        new_version("mine", "genome132-v1", None)


TAXONOMY = """\
name: recipes
item: recipe
groups:
- {name: tone, gloss: How it tastes., dimensions: [{name: dark, gloss: "{{ 7 * 7 }} is char"}]}
- {name: facts, factual_only: true, dimensions: [{name: quick, gloss: half an hour}]}
"""


@pytest.fixture
def recipes(tmp_path):
    (tmp_path / "taxonomies").mkdir()
    (tmp_path / "taxonomies" / "recipes.yaml").write_text(TAXONOMY)
    return tmp_path


def test_a_version_for_a_taxonomy_of_ones_own_needs_no_text(recipes):
    path = new_version("recipes-v1", None, recipes, "recipes")
    version = load_version("recipes-v1", recipes)
    assert version.groups == ("tone", "facts")
    tone, facts = (question.system for question in version.questions)
    assert "You score one recipe" in tone
    assert "The list: Tone. How it tastes.\n\n- dark: {{ 7 * 7 }} is char\n" in tone
    assert "Facts only" in facts
    assert "Facts only" not in tone
    assert "film" not in (tone + facts).lower()
    assert list(version.questions[1].schema["properties"]["scores"]["properties"]) == ["quick"]
    (path.parent / "group.md").write_text(
        "Mine: {{ group.name }} of a {{ item }}. {{ dimensions }}"
    )
    assert "Mine: tone of a recipe." in load_version("recipes-v1", recipes).questions[0].system
    path.write_text(path.read_text().replace("model =", "one_call = true\nmodel ="))
    whole = load_version("recipes-v1", recipes)
    assert whole.groups == ("all",)
    assert "Mine: all of a recipe. - dark: " in whole.questions[0].system


def test_another_taxonomy_takes_settings_along_but_no_groups(recipes):
    new_version("recipes-v1", "genome132-overview-only", recipes, "recipes")
    version = load_version("recipes-v1", recipes)
    assert (version.labels, version.taxonomy.name) == (("Overview",), "recipes")
    tone = version.questions[0].system
    assert "The list: Tone. How it tastes." in tone, "the film version's tone.md was taken along"
    assert "You score one film" in tone
    diff = diff_versions("genome132-overview-only", "recipes-v1", recipes)
    assert diff.bought == ("tone", "facts")
    assert any("taxonomy = recipes" in line for line in diff.lines)


@pytest.mark.parametrize("probe", list_probes())
def test_a_probe_asks_the_same_of_less(recipes, probe):
    new_version("recipes-v1", None, recipes, "recipes")
    whole, less = (load_version(name, recipes) for name in ("recipes-v1", f"recipes-v1+{probe}"))
    assert (less.taxonomy.name, less.groups, less.model) == ("recipes", whole.groups, whole.model)
    assert less.document != whole.document
    assert less.key.startswith(f"recipes-v1+{probe}@")
    assert less.key != whole.key
    told = " ".join([less.description, *(question.system for question in less.questions)])
    assert "recipe" in told
    assert "film" not in told.lower()
    assert probe_of(less.key, probe) == less.name  # of a probe: of its version


def test_an_arm_reads_a_probe_of_what_is_promoted(tmp_path):
    lake = Lake(tmp_path / "lake")
    assert version_of_arm(lake, None).name == "genome132-v1"
    assert version_of_arm(lake, "+title-only").name == "genome132-v1+title-only"
    lake.remember(promoted=load_version("products-starter").key)
    assert version_of_arm(lake, "+title-only").name == "products-starter+title-only"
    assert version_of_arm(lake, "genome132-overview-only").name == "genome132-overview-only"
    lake.remember(promoted="imported@12345678")
    assert version_of_arm(lake, "+title-only") is None


def test_a_probe_of_ones_own_and_one_that_is_none(recipes):
    new_version("recipes-v1", None, recipes, "recipes")
    (recipes / "probes" / "steps").mkdir(parents=True)
    (recipes / "probes" / "steps" / "version.toml").write_text('[document]\nlabels = ["Steps"]\n')
    assert load_version("recipes-v1+steps", recipes).labels == ("Steps",)
    assert "steps" in list_probes(recipes)
    with pytest.raises(RecfeatError, match=r"No probe 'half'.*title-only"):
        load_version("recipes-v1+half", recipes)


def test_an_edit_of_the_taxonomy_is_another_version(recipes):
    new_version("recipes-v1", None, recipes, "recipes")
    before = load_version("recipes-v1", recipes)
    path = recipes / "taxonomies" / "recipes.yaml"
    path.write_text(TAXONOMY.replace("half an hour", "an hour"))
    after = load_version("recipes-v1", recipes)
    assert after.key != before.key
    assert after.questions[0] == before.questions[0]
    with pytest.raises(RecfeatError, match="restore its files"):
        load_version(before.key, recipes)


def test_one_version_is_promoted(tmp_path):
    lake = Lake(tmp_path / "lake")
    assert promoted(lake) == load_version("genome132-v1").key
    version = write_version(tmp_path)
    assert promote(lake, "small", tmp_path) == version.key == promoted(lake)
    with pytest.raises(RecfeatError, match="only scores fill"):
        promote(lake, "item-profile-v1")


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("[document]\ncharactres = 3\n", "sets 'charactres', which nothing reads"),
        ("[document]\ncharacters = 0\n", "characters = 0 is not a number of characters"),
        ('[document]\nmask_names = ["Cast"]\n', "mask_names needs"),
    ],
)
def test_a_mistake_in_what_is_shown_is_one_sentence(tmp_path, extra, message):
    with pytest.raises(RecfeatError, match=message):
        write_version(tmp_path, extra=extra)


def test_what_is_shown_enters_the_key_and_costs_every_group(tmp_path):
    version = write_version(tmp_path, extra="[document]\ncharacters = 300\n")
    assert version.key.split("@")[1] != load_version("genome132-v1").key.split("@")[1]
    assert diff_versions("genome132-v1", "small", tmp_path).bought == GROUPS
    assert "300 characters in all" in show_version("small", tmp_path)


@pytest.mark.parametrize("name", ["genome132-worked-example", "genome132-two-calls"])
def test_every_prefix_is_long_enough_for_a_providers_cache(name):
    for question in load_version(name).questions:
        assert rough_tokens(question.system) >= PROVIDER_CACHES_FROM


def test_several_groups_in_one_call_keep_their_texts():
    one, two = load_version("genome132-v1"), load_version("genome132-two-calls")
    assert two.groups == ("themes-tone-setting", "provenance-reception-visual")
    for call, asked in zip(two.questions, (one.questions[:3], one.questions[3:]), strict=True):
        names = [list(q.schema["properties"]["scores"]["properties"]) for q in asked]
        assert list(call.schema["properties"]["scores"]["properties"]) == [
            *names[0],
            *names[1],
            *names[2],
        ]
        for question in asked:
            own = {x for x in question.system.splitlines() if x.startswith(("- ", "The list:"))}
            assert own <= set(call.system.splitlines())
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", call.group)  # what OpenAI takes as a name


def test_scores_of_a_joint_call_belong_to_their_own_groups(tmp_path):
    version, lake = load_version("genome132-two-calls"), Lake(tmp_path)
    extract(documents(2), version, lake, "00", Scripted())
    found = scores(documents(2), version, lake, "00", version.model)
    per_group = found.group_by("group").len()
    assert dict(per_group.iter_rows()) == {
        group.name: 2 * len(group.dimensions) for group in version.taxonomy.groups
    }


def test_an_inherited_parameter_can_be_removed(tmp_path):
    version = write_version(tmp_path, extra='without = ["seed", "temperature"]')
    assert version.params == {"max_tokens": 1200}


@pytest.mark.parametrize("value", ["0", '"two"', "true"])
def test_a_number_of_groups_that_cannot_be(tmp_path, value):
    with pytest.raises(RecfeatError, match=r"groups_per_call = .* is not a number of groups"):
        write_version(tmp_path, extra=f"groups_per_call = {value}")
