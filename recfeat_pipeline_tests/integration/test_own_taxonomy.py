"""A catalogue of recipes and a taxonomy of its own: one file, and everything works with it."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from recfeat_pipeline.explore.library import read_library
from recfeat_pipeline.explore.queries import content_neighbours, fingerprint
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.integration.cli_world import run
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer

N, N_USERS = 40, 40
HOSTILE = "<script>alert(1)</script>'; DROP TABLE features.item_features; --{{ 7 * 7 }}"
TAXONOMY = f"""\
name: recipes
item: recipe
groups:
- name: taste
  gloss: How the dish tastes.
  dimensions:
  - {{name: sweet, gloss: "sugar, honey or fruit leads", genome_tags: [Dessert]}}
  - {{name: spicy, gloss: chilli or pepper burns, genome_tags: [hot]}}
  - {{name: dark, gloss: "{HOSTILE}"}}
- name: effort
  title: Time and tools
  factual_only: true
  dimensions:
  - {{name: baked, gloss: the oven does it, genome_tags: [baking]}}
"""
CATALOG = """\
name = "recipes"
[items]
path = "recipes.csv"
id = "id"
title = "title"
[items.document]
Ingredients = "ingredients"
Steps = "steps"
[interactions]
path = "cooked.csv"
user = "cook"
item = "recipe"
[tags]
path = "tags.csv"
item = "recipe"
tag = "tag"
[corpus]
more_than_item_interactions = 1
min_user_interactions = 3
max_user_interactions = 50
"""
ARMS = "popularity,llm,random,curated_mapped,curated_pca,llm_without_tone"


def is_sweet(i: int) -> bool:
    return i % 3 == 0


def is_spicy(i: int) -> bool:
    return i % 4 == 0


def is_baked(i: int) -> bool:
    return i % 2 == 0


def write_world(folder: Path) -> None:
    """Recipes whose words, and whose tags, say which are sweet, spicy and baked."""
    pl.DataFrame(
        {
            "id": [f"r{i}" for i in range(N)],
            "title": [f"Dish No. {i}" for i in range(N)],
            "ingredients": [
                "sugar, honey, a sweet dessert" if is_sweet(i) else "salt, oil" for i in range(N)
            ],
            "steps": [
                f"{'Baked in the oven.' if is_baked(i) else 'Served raw.'} "
                f"{'Spicy, hot chilli burns.' if is_spicy(i) else 'Plain.'} Step {i}."
                for i in range(N)
            ],
        }
    ).write_csv(folder / "recipes.csv")
    eaten = [(f"u{u}", f"r{(7 * u + 3 * k) % N}") for u in range(N_USERS) for k in range(8)]
    pl.DataFrame(eaten, schema=["cook", "recipe"], orient="row").write_csv(folder / "cooked.csv")
    kinds = {"dessert": is_sweet, "hot": is_spicy, "baking": is_baked, "odd": lambda i: i % 5 == 0}
    tags = [(f"r{i}", tag) for i in range(N) for tag, has in kinds.items() if has(i)]
    pl.DataFrame(tags, schema=["recipe", "tag"], orient="row").write_csv(folder / "tags.csv")
    (folder / "recipes.toml").write_text(CATALOG)
    (folder / "prompts" / "taxonomies").mkdir(parents=True)
    (folder / "prompts" / "taxonomies" / "recipes.yaml").write_text(TAXONOMY)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kitchen")
    write_world(folder)
    return folder


@pytest.fixture(autouse=True)
def _settings(monkeypatch, folder):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("RECFEAT_PROMPTS", "prompts")
    use_lake(monkeypatch, folder / "lake")


def use_lake(monkeypatch, lake: Path) -> Lake:
    monkeypatch.setenv("RECFEAT_LAKE", str(lake))
    monkeypatch.setenv("DAGSTER_HOME", str(lake / "dagster_home"))
    return Lake(lake)


@pytest.fixture
def lexical(capsys, folder):
    """The whole pipeline without a model; it runs once, and a built-in version beside it."""
    lake = Lake(folder / "lake")
    if not lake.exists("report/report.html"):
        assert run(capsys, "prompts", "new", "recipes-v1", "--taxonomy", "recipes").code == 0
        ran = run(capsys, "run", "--catalog", "recipes.toml", "--prompt-version", "recipes-v1",
                  "--arms", ARMS, "--seeds", "0", "--steps", "3")  # fmt: skip
        assert ran.code == 0, ran.err
        assert "no LLM" in ran.err
        films = run(capsys, "backfill", "genome132-v1")
        assert films.code == 0, films.err
    return lake


@pytest.fixture
def store(lexical):
    with duckdb.connect(str(lexical.feature_store), read_only=True) as store:
        yield store


def test_each_version_has_the_dimensions_of_its_own_taxonomy(store):
    rows = store.execute(
        "SELECT split_part(version, '@', 1), taxonomy, count(*) FROM features.dimensions "
        "GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert rows == [("genome132-v1", "genome132", 132), ("recipes-v1", "recipes", 4)]
    dark = store.execute(
        "SELECT taxonomy, gloss FROM features.dimensions WHERE dimension = 'dark' ORDER BY 1"
    ).fetchall()
    assert [name for name, _ in dark] == ["genome132", "recipes"]
    assert dark[1] == ("recipes", HOSTILE)


def test_words_become_scores_labelled_as_no_llm(store):
    wide = store.sql(
        "PIVOT (FROM features.item_features WHERE version LIKE 'recipes-v1@%') "
        "ON dimension USING first(score) GROUP BY item_id"
    ).pl()
    assert wide.height == N
    number = wide["item_id"].str.strip_prefix("r").cast(pl.Int64)
    for dimension, has in (("sweet", is_sweet), ("spicy", is_spicy), ("baked", is_baked)):
        told = pl.Series([has(i) for i in number])
        assert wide.filter(told)[dimension].min() > wide.filter(~told)[dimension].max()
    models = store.execute("SELECT DISTINCT model FROM features.item_features").fetchall()
    assert models == [("lexical-v1",)]


def test_arms_and_controls_have_the_width_of_the_taxonomy(store, lexical):
    width = dict(store.execute("SELECT arm, content_width FROM ops.runs").fetchall())
    assert width == {
        "popularity": 0,
        "llm": 4,
        "random": 4,
        "curated_mapped": 3,  # dessert, hot, baking; "odd" is no dimension's
        "curated_pca": 4,
    }
    skipped = lexical.read_note("skipped", arm="llm_without_tone", seed="0")
    assert "The taxonomy has no group 'tone'" in skipped["reason"]


def test_agreement_is_measured_on_the_taxonomys_tags(store):
    r = dict(
        store.execute(
            "SELECT dimension, pearson_r FROM metrics.agreement WHERE version LIKE 'recipes%'"
        ).fetchall()
    )
    assert r.keys() == {"sweet", "spicy", "baked"}
    assert min(r.values()) > 0.9
    groups = store.execute(
        "SELECT DISTINCT \"group\" FROM metrics.agreement_intervals WHERE version LIKE 'recipes%'"
    ).fetchall()
    assert {group for (group,) in groups} == {"all", "taste", "effort"}


def test_fingerprint_neighbours_and_explore_read_the_version(capsys, store, lexical):
    version = lexical.meta["promoted"]
    assert version.startswith("recipes-v1@")
    library = read_library(store)
    row = library.row_of("r12")  # sweet, spicy and baked
    told = fingerprint(library, version, row)
    assert [group for group, _ in told] == ["taste", "effort"]
    near = content_neighbours(library, version, row, n=3)
    assert {n.row for n in near} <= {library.row_of(f"r{i}") for i in (0, 24, 36)}
    store.close()
    own = run(capsys, "fingerprint", "r12", "--json").json
    assert own["scores"].keys() == {"sweet", "spicy", "dark", "baked"}
    films = run(capsys, "fingerprint", "r12", "--prompt-version", "genome132-v1", "--json").json
    assert len(films["scores"]) == 132


def test_the_report_speaks_of_this_taxonomy_only(lexical):
    html = lexical.read_bytes("report/report.html").decode()
    assert "taste" in html
    assert "Published, against the tag genome" not in html
    assert "<script>alert(1)" not in html


def test_a_model_scores_it_and_an_edit_buys_its_group_alone(capsys, monkeypatch, lexical, folder):
    lake = use_lake(monkeypatch, folder / "bought")
    until = ("run", "--catalog", "recipes.toml", "--prompt-version", "recipes-v1",
             "--until", "feature_store")  # fmt: skip
    with OpenAIServer() as server:
        monkeypatch.setenv("RECFEAT_LLM_BASE_URL", server.base_url)
        assert run(capsys, *until).code == 0
        assert server.counts["chat"] == 2 * N
        first = lake.meta["promoted"]
        scored = run(capsys, "score-item", "--title", "Soup", "--text-file", "recipes.toml",
                     "--json")  # fmt: skip
        assert scored.json["scores"].keys() == {"sweet", "spicy", "dark", "baked"}
        assert server.counts["chat"] == 2 * N + 2
        path = folder / "prompts" / "taxonomies" / "recipes.yaml"
        path.write_text(TAXONOMY.replace("the oven does it", "an oven or a grill does it"))
        assert run(capsys, *until).code == 0
        assert server.counts["chat"] == 3 * N + 3, "the group that was not edited was bought again"
        path.write_text(TAXONOMY)
    with duckdb.connect(str(lake.feature_store), read_only=True) as store:
        glosses = store.execute(
            "SELECT version = ?, gloss FROM features.dimensions WHERE dimension = 'baked' "
            "ORDER BY 1 DESC",
            [first],
        ).fetchall()
        counts = store.execute(
            "SELECT version, model, count(*) FROM features.item_features GROUP BY ALL"
        ).fetchall()
    assert glosses == [(True, "the oven does it"), (False, "an oven or a grill does it")]
    assert {(model, n) for _, model, n in counts} == {("gpt-4.1-mini", 4 * (N + 1))}


def test_a_taxonomy_is_derived_or_drafted_and_then_scored(capsys, monkeypatch, folder):
    lake = use_lake(monkeypatch, folder / "begun")
    derived = run(capsys, "taxonomy", "derive", "by_tags", "--catalog", "recipes.toml",
                  "--item", "recipe")  # fmt: skip
    assert derived.code == 0, derived.err
    told = run(capsys, "taxonomy", "show", "by_tags", "--json").json
    names = [d["name"] for group in told["groups"] for d in group["dimensions"]]
    assert sorted(names) == ["baking", "dessert", "hot", "odd"]
    draft = ("taxonomy", "draft", "by_model", "--domain", "Recipes of home cooks",
             "--catalog", "recipes.toml", "--samples", "3")  # fmt: skip
    with OpenAIServer() as server:
        monkeypatch.setenv("RECFEAT_LLM_BASE_URL", server.base_url)
        assert run(capsys, *draft).code == 0
        (folder / "prompts" / "taxonomies" / "by_model.yaml").unlink()
        assert run(capsys, *draft).code == 0
        assert server.counts["chat"] == 1, "the same draft was bought twice"
    listed = {row["name"]: row for row in run(capsys, "taxonomy", "list", "--json").json}
    assert listed.keys() >= {"by_model", "by_tags", "genome132", "recipes"}
    assert listed["by_tags"]["dimensions"] == 4
    assert run(capsys, "prompts", "new", "by-model-v1", "--taxonomy", "by_model").code == 0
    assert "== n" in run(capsys, "prompts", "show", "by-model-v1").out
    assert lake.read("responses")["group"].to_list() == ["taxonomy"]
