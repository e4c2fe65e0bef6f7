"""A taxonomy is one file, and each mistake in it is one sentence that says where."""

import re

import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.taxonomy import Dimension, Group, Taxonomy, list_taxonomies, load_taxonomy
from recfeat_pipeline.taxonomy.write import new_file, write_taxonomy

GOOD = """\
name: recipes
item: recipe
groups:
- name: taste
  title: Taste
  gloss: How it tastes.
  dimensions:
  - name: sweet
    gloss: sugar leads
    genome_tags: [" Dessert", dessert, cake]
- name: effort
  factual_only: true
  dimensions:
  - {name: oven, gloss: it is baked}
"""


def load(tmp_path, text, name="recipes"):
    folder = tmp_path / "taxonomies"
    folder.mkdir(exist_ok=True)
    data = text if isinstance(text, bytes) else text.encode()
    (folder / f"{name}.yaml").write_bytes(data)
    return load_taxonomy(name, tmp_path)


def test_a_file_beside_the_prompt_versions_is_a_taxonomy(tmp_path):
    got = load(tmp_path, GOOD)
    sweet = Dimension("sweet", "sugar leads", ("dessert", "cake"))
    oven = Dimension("oven", "it is baked")
    groups = (
        Group("taste", "Taste", False, (sweet,), "How it tastes."),
        Group("effort", "Effort", True, (oven,)),
    )
    assert got == Taxonomy("recipes", groups, "recipe")
    assert {"genome132", "recipes"} <= set(list_taxonomies(tmp_path))
    rows = got.frame().select("taxonomy", "group", "dimension", "position").rows()
    assert rows == [("recipes", "taste", "sweet", 0), ("recipes", "effort", "oven", 1)]


def test_an_edited_file_is_read_again(tmp_path):
    load(tmp_path, GOOD)
    got = load(tmp_path, GOOD.replace("sugar leads", "honey leads"))
    assert got.dimensions[0].gloss == "honey leads"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: oven", "name: sweet", "two dimensions are called 'sweet'"),
        ("name: effort", "name: taste", "two groups are called 'taste'"),
        ("    gloss: sugar leads\n", "", "group 'taste', dimension 'sweet': gloss is missing"),
        ("sugar leads", "''", "dimension 'sweet': gloss is empty"),
        ("sugar leads", '"one\\ntwo"', "gloss has a line break"),
        ("sugar leads", '"right\\u202eleft"', "unprintable character"),
        ("sugar leads", "x" * 301, "gloss has 301 characters"),
        ("sugar leads", "[a, b]", r"gloss is \['a', 'b'\], which YAML takes for no text"),
        ("{name: oven, gloss: it is baked}", "oven", "group 'effort', dimension 1: expected"),
        ("  - {name: oven, gloss: it is baked}\n", "", "group 'effort': dimensions is empty"),
        ("name: sweet", "name: no", "dimension 1: name is False, which YAML takes for no text"),
        ("name: sweet", "name: Sweet Taste", "'Sweet Taste' cannot be a name; use small letters"),
        ("name: sweet", 'name: "a\'; DROP TABLE x; --"', "cannot be a name"),
        ("name: sweet", 'name: "<b>"', "cannot be a name"),
        ("name: sweet", "name: ../../etc", "cannot be a name"),
        ("name: sweet", f"name: {'a' * 65}", "at most 64"),
        ("name: taste", "name: all", "group 'all': this name means every group at once"),
        ("factual_only: true", "factual_only: maybe", "factual_only is 'maybe'; write true or"),
        ('[" Dessert", dessert, cake]', "dessert", "genome_tags is no list"),
        ('[" Dessert", dessert, cake]', "[3]", "genome_tags is 3, which YAML takes for no text"),
        ("item: recipe", "itme: recipe", "it sets 'itme', which nothing reads"),
        ("name: recipes", "name: others", "name is 'others'; file and name must agree"),
        ("name: recipes\n", "", "name is missing"),
        ("groups:", "groups: [", "is not valid YAML"),
        (GOOD, "", "expected groups, item, name"),
        (GOOD, "name: recipes\n", "groups is empty; give at least a group"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_place(tmp_path, old, new, message):
    assert old in GOOD
    with pytest.raises(RecfeatError, match=message) as caught:
        load(tmp_path, GOOD.replace(old, new))
    assert "recipes.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_is_named(tmp_path):
    with pytest.raises(RecfeatError, match=r"Cannot read the taxonomy .*recipes.yaml"):
        load(tmp_path, b"\xff\xfe\x00")


@pytest.mark.parametrize("name", ["nosuch", "../taxonomies/recipes", "/etc/passwd", "recipes.yaml"])
def test_only_a_name_finds_a_taxonomy(tmp_path, name):
    load(tmp_path, GOOD)
    with pytest.raises(
        RecfeatError, match=re.escape(f"No taxonomy {name!r}. There are: ") + ".*genome132"
    ):
        load_taxonomy(name, tmp_path)


def test_what_is_written_is_read_back_the_same(tmp_path):
    taxonomy = load(tmp_path, GOOD.replace("recipes", "others", 1), "others")
    copy = Taxonomy("copy", taxonomy.groups, taxonomy.item)
    path = new_file("copy", tmp_path)
    write_taxonomy(copy, path, ["a comment\nname: evil"], ["and another"])
    assert load_taxonomy("copy", tmp_path) == copy
    assert path.read_text().startswith("# a comment?name: evil\nname: copy\n")
    assert path.read_text().endswith("\n# and another\n")
    with pytest.raises(RecfeatError, match="'copy' already"):
        new_file("copy", tmp_path)
    with pytest.raises(RecfeatError, match="cannot name a taxonomy"):
        new_file("../copy", tmp_path)
    with pytest.raises(RecfeatError, match="Set RECFEAT_PROMPTS"):
        new_file("copy", None)


def test_what_could_not_be_read_is_not_written(tmp_path):
    path = new_file("bad", tmp_path)
    bad = Taxonomy("bad", (Group("g", "G", False, (Dimension("Big", "x"),)),))
    with pytest.raises(RecfeatError, match="cannot be a name"):
        write_taxonomy(bad, path)
    assert not path.exists()
