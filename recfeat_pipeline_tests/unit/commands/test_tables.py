"""The table that a run ends with."""

import duckdb

from recfeat_pipeline.commands.tables import print_left_out, print_metrics
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.store import open_store


def test_each_column_is_the_cut_off_that_its_heading_says(tmp_path, capsys):
    """``ndcg`` is computed at several cut-offs; the table says NDCG@10 and shows that."""
    lake = Lake(tmp_path)
    with open_store(lake, read_only=False) as store:
        fill(store)
    print_metrics(lake)
    title, headings, *rows = capsys.readouterr().out.splitlines()
    assert title == "50 held-out examples, mean over seeds"
    assert headings.split() == [
        "arm", "seeds", "MRR", "NDCG@10", "Hit@10", "Hit@50", "±", "seeds"
    ]  # fmt: skip
    assert [row.split() for row in rows] == [  # as good ones by name, at each run alike
        *(
            [arm, "1", "0.0500", "0.1000", "0.1000", "0.5000", "–"]
            for arm in ("as_bad", "bad", "no_better", "worse")
        ),
        ["better", "B", "2", "0.1100", "0.1000", "0.1000", "0.5000", "0.0141"],
    ]


def fill(store: duckdb.DuckDBPyConnection) -> None:
    store.execute("CREATE SCHEMA metrics; CREATE SCHEMA ops")
    store.execute(
        "CREATE TABLE metrics.ranking AS SELECT arm, seed, slice, metric, k, "
        "CASE WHEN metric <> 'mrr' THEN k / 100 WHEN arm <> 'better' THEN .05 ELSE .1 + seed / 50 "
        "END AS value, 50 AS n "
        "FROM (VALUES ('better', 0), ('better', 1), ('worse', 0), ('bad', 0), "
        "('no_better', 0), ('as_bad', 0)) AS runs (arm, seed), "
        "(VALUES ('mrr', NULL), ('ndcg', 5), ('ndcg', 10), ('ndcg', 50), ('hit_rate', 10), "
        "('hit_rate', 50)) AS measures (metric, k), (VALUES ('all'), ('HEAD')) AS slices (slice)"
    )
    store.execute("INSERT INTO metrics.ranking VALUES ('better', 0, 'all', 'mrr', 10, .9, 50)")
    store.execute("CREATE TABLE ops.runs AS SELECT 'better' AS arm, 0 AS seed, 'B' AS label")


def test_arms_that_were_not_trained_are_told_once_a_reason(tmp_path, capsys):
    lake = Lake(tmp_path)
    for arm in ("hybrid_curated", "ease_curated", "not_asked"):
        lake.write_note("skipped", {"reason": "There are no tags."}, arm=arm, seed="0")
    lake.write_note("skipped", {"reason": "All are the same."}, arm="ease_llm", seed="0")
    print_left_out(lake, {"ease_curated", "hybrid_curated", "ease_llm", "ease"})
    assert capsys.readouterr().err.splitlines() == [
        "Left out: ease_curated, hybrid_curated. There are no tags.",
        "Left out: ease_llm. All are the same.",
    ]
