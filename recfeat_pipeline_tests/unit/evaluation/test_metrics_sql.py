"""Metrics as SQL over ranks, against fractions computed by hand."""

import math

import duckdb
import polars as pl
import pytest

from recfeat_pipeline import schemas
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.arms import arms_frame
from recfeat_pipeline.sql_models import build, failures, load_models

VERSION, OTHER = "genome132-v1+title-only@1", "books-v1@2"  # two taxonomies with a dimension "war"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    lake = Lake(tmp_path_factory.mktemp("lake"))
    lake.write(
        "items",
        pl.DataFrame(
            {
                "item_id": [1, 2, 3],
                "n_ratings": [2000, 1000, 5],
                "in_corpus": [True, True, False],
                "tier": ["Q4", "Q1", None],
                "item_index": pl.Series([0, 1, None], dtype=pl.Int32),
            }
        ).select(
            pl.col(name)
            if name in ("item_id", "n_ratings", "in_corpus", "tier", "item_index")
            else pl.lit(None, dtype).alias(name)
            for name, dtype in schemas.ITEMS.items()
        ),
    )
    lake.write(
        "events",
        pl.DataFrame(
            [(7, 0, None, None, "train", 0)] + [(u, 1, None, None, "train", 0) for u in range(10)],
            schema=schemas.EVENTS,
            orient="row",
        ),
    )
    lake.write(
        "documents",
        pl.DataFrame(
            {"item_id": [1, 2, 3], "n_chars": [499, 500, 9]}, schema_overrides={"n_chars": pl.Int32}
        ).select(
            pl.col(name) if name in ("item_id", "n_chars") else pl.lit(None, dtype).alias(name)
            for name, dtype in schemas.DOCUMENTS.items()
        ),
        shard="00",
    )
    lake.write(
        "ranks",
        pl.DataFrame(
            [(0, 7, 1, 5, 1, 2), (1, 7, 1, 20, 10, 11), (2, 8, 2, 60, 30, 30)],
            schema=schemas.RANKS,
            orient="row",
        ),
        arm="llm",
        seed="0",
    )
    lake.write(
        "cold_ranks",
        pl.DataFrame(
            [(0, 7, 1, 0, 40, 2), (1, 7, 2, 0, 20, 1), (2, 8, 3, 5, 10, None)],
            schema=schemas.COLD_RANKS,
            orient="row",
        ),
        arm="llm",
        seed="0",
    )
    lake.write(
        "neighbours",
        pl.DataFrame(
            [(1, 20, 0.2, 0.1), (2, 20, 0.4, 0.1)], schema=schemas.NEIGHBOURS, orient="row"
        ),
        arm="llm",
    )
    contrast = dict.fromkeys(schemas.CONTRASTS, None) | {"slice": "all", "metric": "mrr"}
    contrasts = [
        ("rich_llm", "llm", 0.002, 0.001, 0.004),
        ("rich_llm", "rich_floor", 0.5, 0.4, 0.6),
        ("title_only", "floor", 0.01, 0.0, 0.02),
        ("title_only", "llm", -0.01, -0.02, 0.0),
    ]
    lake.write(
        "contrasts",
        pl.DataFrame(
            [
                contrast
                | {"arm": arm, "reference": other, "delta": delta, "ci_low": low, "ci_high": high}
                | {"p_value": 0.1, "p_adjusted": 0.1}
                for arm, other, delta, low, high in contrasts
            ],
            schema=schemas.CONTRASTS,
        ),
    )
    lake.write("arms", arms_frame())
    lake.write(
        "shown_text",
        pl.DataFrame(
            [
                ("llm", "genome132-v1", 900.0, 3),
                ("title_only", "genome132-v1+title-only", 20.0, 3),
                ("overview_only", "genome132-overview-only", 200.0, 3),
            ],
            schema=schemas.SHOWN_TEXT,
            orient="row",
        ),
    )
    lake.write(
        "dimensions",
        pl.DataFrame(
            [
                ("t", "g", "war", "", ["war", "battle"], 0),
                ("t", "g", "flat", "", ["war"], 1),
                ("t", "g", "unmapped", "", ["nowhere"], 2),
            ],
            schema=schemas.DIMENSIONS,
            orient="row",
        ),
        version=VERSION,
    )
    lake.write(
        "tags",
        pl.DataFrame(
            [(1, "war", 0.8), (1, "battle", 0.4), (2, "war", 0.2), (3, "other", 1.0)],
            schema=schemas.TAGS,
            orient="row",
        ),
    )
    given = {"war": [0.9, 0.2, 0.0], "flat": [0.5] * 3, "unmapped": [1] * 3}
    scores = [
        (item, "g", dimension, score, "m", "k", None)
        for dimension, values in given.items()
        for item, score in zip([1, 2, 3], values, strict=True)
    ]  # fmt: skip
    lake.write(
        "scores",
        pl.DataFrame(scores, schema=schemas.SCORES, orient="row"),
        version=VERSION,
        shard="00",
    )
    lake.write(
        "dimensions",
        pl.DataFrame(
            [("u", "h", "war", "", ["other"], 0)], schema=schemas.DIMENSIONS, orient="row"
        ),
        version=OTHER,
    )
    lake.write(
        "scores",
        pl.DataFrame(
            [(i, "h", "war", score, "m", "k", None) for i, score in ((1, 0.0), (2, 0.0), (3, 0.7))],
            schema=schemas.SCORES,
            orient="row",
        ),
        version=OTHER,
        shard="00",
    )
    connection = duckdb.connect()
    models = load_models()
    wanted = {key for key in models if key.startswith("metrics.")}
    for model in reversed(models.values()):
        wanted |= set(model.refs) if model.key in wanted else set()
    for key in (key for key in models if key in wanted):
        build(connection, models[key], lake)
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("present", "counted"),
    [("new", ["llm"]), ("old", ["floor", "random"]), ("other", ["floor", "random"])],
    ids=["trained since", "not changed", "none trained since"],
)
def test_runs_that_rank_other_examples_are_left_out(tmp_path, present, counted):
    lake = Lake(tmp_path / "lake")
    targets = {"old": [0, 1], "new": [0, 0], "other": [1, 1]}  # item indices; ids are one more
    for arm, state in (("floor", "old"), ("random", "old"), ("llm", "new")):
        rows = [(n, 7, item + 1, 5, 1, 1) for n, item in enumerate(targets[state])]
        lake.write(
            "ranks", pl.DataFrame(rows, schema=schemas.RANKS, orient="row"), arm=arm, seed="0"
        )
    examples = [(n, 7, "test", 9, 5, item) for n, item in enumerate(targets[present])]
    examples.append((2, 7, "train", 3, 1, 0))
    frame = pl.DataFrame(
        examples,
        schema=["example_id", "user_id", "split", "event_row", "history_length", "target_index"],
        orient="row",
    )
    lake.write(
        "examples",
        frame.select(list(schemas.EXAMPLES)).cast(
            {k: v for k, v in schemas.EXAMPLES.items() if k != "user_id"}
        ),
    )
    items = pl.DataFrame({"item_id": [1, 2], "item_index": pl.Series([0, 1], dtype=pl.Int32)})
    lake.write(
        "items",
        items.select(
            pl.col(name) if name in items.columns else pl.lit(None, dtype).alias(name)
            for name, dtype in schemas.ITEMS.items()
        ),
    )
    with duckdb.connect() as connection:
        for key in ("catalog.items", "metrics.ranks"):
            build(connection, load_models()[key], lake)
        found = connection.sql("SELECT DISTINCT arm FROM metrics.ranks ORDER BY 1").fetchall()
    assert [arm for (arm,) in found] == counted


def value(store, slice: str, metric: str, k: int | None = None) -> tuple[float, int]:
    rows = store.execute(
        "SELECT value, n FROM metrics.ranking WHERE slice = ? AND metric = ? "
        "AND k IS NOT DISTINCT FROM ?",
        [slice, metric, k],
    ).fetchall()
    assert len(rows) == 1
    return rows[0]


@pytest.mark.parametrize(
    ("slice", "metric", "k", "expected", "n"),
    [
        ("all", "hit_rate", 1, 1 / 3, 3),
        ("all", "hit_rate", 10, 2 / 3, 3),
        ("all", "hit_rate", 250, 1, 3),
        ("all", "hit_rate_with_seen", 1, 0, 3),
        ("all", "hit_rate_with_seen", 10, 1 / 3, 3),
        ("all", "mrr", None, (1 + 1 / 10 + 1 / 30) / 3, 3),
        ("all", "mrr_with_seen", None, (1 / 2 + 1 / 11 + 1 / 30) / 3, 3),
        ("all", "ndcg", 10, (1 + 1 / math.log2(11)) / 3, 3),
        ("all", "ndcg", 5, 1 / 3, 3),
        ("all", "ndcg", 50, (1 + 1 / math.log2(11) + 1 / math.log2(31)) / 3, 3),
        ("all", "mrr", 10, (1 + 1 / 10) / 3, 3),
        ("HEAD", "mrr", None, (1 + 1 / 10) / 2, 2),
        ("TAIL", "mrr", None, 1 / 30, 1),  # exactly 1,000 ratings is tail
        ("Q4", "hit_rate", 1, 1 / 2, 2),
        ("history 1-9", "hit_rate", 1, 1, 1),
        ("history 50+", "hit_rate", 50, 1, 1),
        ("new item", "hit_rate", 10, 1, 2),  # one training event; the other item has ten
        ("text under 500", "hit_rate", 1, 1 / 2, 2),
        ("text 500-1999", "hit_rate", 1, 0, 1),
    ],
)
def test_metric(store, slice, metric, k, expected, n):
    assert value(store, slice, metric, k) == (pytest.approx(expected), n)


def test_slices_are_those_that_have_examples(store):
    slices = store.execute("SELECT DISTINCT slice FROM metrics.ranking").fetchall()
    assert {row[0] for row in slices} == {
        "all",
        "HEAD",
        "TAIL",
        "Q4",
        "Q1",
        "history 1-9",
        "history 10-49",
        "history 50+",
        "new item",
        "text under 500",
        "text 500-1999",
    }


def test_agreement_is_with_the_mean_of_the_mapped_tags(store):
    rows = store.execute(
        "SELECT dimension, pearson_r, spearman_r, n_items FROM metrics.agreement "
        "ORDER BY version DESC, dimension"
    ).fetchall()
    # war: scores .9 .2 0 against (.8+.4)/2 = .6, .2/2 = .1, 0
    x, y = [0.9, 0.2, 0.0], [0.6, 0.1, 0.0]
    mx, my = sum(x) / 3, sum(y) / 3
    cov = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True))
    r = cov / math.sqrt(sum((a - mx) ** 2 for a in x) * sum((b - my) ** 2 for b in y))
    assert rows == [
        ("flat", None, None, 3),  # constant: no correlation, and no unmapped dimension
        ("war", pytest.approx(r, abs=1e-6), pytest.approx(1.0), 3),
        ("war", pytest.approx(1.0), pytest.approx(1.0), 3),  # the other taxonomy's: 0 0 .7, 0 0 1
    ]


def test_every_test_in_the_yaml_holds(store):
    for model in load_models().values():
        if model.schema != "metrics":
            continue
        assert model.tests
        assert [t.name for t in model.tests if failures(store, model, t)] == []


def test_cold_start_counts_new_items_among_all_and_among_new_ones(store):
    rows = store.execute(
        "SELECT n_train, candidates, value, n FROM metrics.cold_start "
        "WHERE metric = 'mrr' AND k IS NULL ORDER BY ALL"
    ).fetchall()
    assert rows == [
        (0, "all", pytest.approx((1 / 40 + 1 / 20) / 2), 2),
        (0, "new", pytest.approx((1 / 2 + 1) / 2), 2),
        (5, "all", pytest.approx(1 / 10), 1),
    ]


def test_neighbour_overlap_is_the_mean_over_items(store):
    overlap, low, high = store.execute(
        "SELECT overlap, ci_low, ci_high FROM metrics.neighbour_overlap"
    ).fetchone()
    assert overlap == pytest.approx(0.3)
    assert high - overlap == pytest.approx(overlap - low)
    assert high - overlap == pytest.approx(1.96 * 0.1)  # sd .1414 over sqrt(2)


def test_the_substitution_ladder_is_base_less_rich(store):
    rows = store.execute(
        "SELECT content, delta, ci_low, ci_high FROM metrics.substitution_ladder"
    ).fetchall()
    assert rows == [("llm", -0.002, -0.004, -0.001)]


def test_probes_are_told_with_what_they_gain_or_as_not_run(store):
    rows = store.execute(
        "SELECT arm, prompt_version, mean_chars, over_floor, over_llm, status FROM metrics.probes "
        "ORDER BY arm"
    ).fetchall()
    unscored = "not run: no scores of this prompt version"
    assert rows == [
        ("llm", "genome132-v1", 900.0, None, None, unscored),
        ("overview_only", "genome132-overview-only", 200.0, None, None, unscored),
        ("title_only", "genome132-v1+title-only", 20.0, 0.01, -0.01, "run"),
    ]  # and not names_masked: nobody could ask it here, and nobody did
