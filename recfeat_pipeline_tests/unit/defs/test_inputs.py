import duckdb

from recfeat_pipeline.defs.training.inputs import QUERIES


def test_an_arm_reads_the_profiles_that_were_made_last_whatever_is_promoted():
    store = duckdb.connect()
    store.execute("CREATE SCHEMA features")
    store.execute(
        "CREATE TABLE features.item_profiles AS SELECT * FROM (VALUES "
        "(1, 'item-profile-v1@1', [1.0], DATE '2026-01-01'), "
        "(1, 'recorded@2', [2.0], DATE '2026-01-02'), "
        "(2, 'recorded@2', [3.0], DATE '2026-01-02')) AS t(item_id, version, vector, generated_at)"
    )
    found = store.sql(QUERIES["profile"]).order("item_id").fetchall()
    assert found == [(1, [2.0]), (2, [3.0])]
