"""A store is built on one machine and read on any; ``memory://`` stands for ``s3://``."""

import os
from datetime import timedelta

import pytest

from recfeat_pipeline import published_store
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.store import Building, built, open_store


def build(lake, value, made_of=None):
    """A store whose one table holds the value."""
    with open_store(lake, read_only=False) as store:
        store.execute("CREATE OR REPLACE TABLE t AS SELECT ? AS x", [value])
        store.execute("CREATE OR REPLACE TABLE made_of AS SELECT 't' AS model, ? AS fingerprint",
                      [made_of or str(value)])  # fmt: skip


def value(lake):
    with open_store(lake) as store:
        return store.sql("SELECT x FROM t").fetchall()[0][0]


def counted(lake, monkeypatch, name):
    """How often the lake's files are downloaded, or uploaded, from here on."""
    calls, method = [], getattr(Lake, name)
    monkeypatch.setattr(
        Lake, name, lambda self, *given: calls.append(given) or method(self, *given)
    )
    return calls


def test_what_one_machine_builds_another_reads_and_fetches_once(machine, monkeypatch):
    with pytest.raises(RecfeatError, match="run `recfeat run` first"):
        value(machine("b"))
    assert built(machine("b")) is None
    build(machine("a"), 1)
    fetched = counted(machine("b"), monkeypatch, "download")
    assert [value(machine("b")) for _ in range(3)] == [1, 1, 1]
    assert value(machine("a")) == 1, "whoever built it has it"
    assert len(fetched) == 1


def test_a_reader_is_given_the_newer_version_and_another_writer_continues_it(machine):
    build(machine("a"), 1)
    first = built(machine("b"))
    build(machine("b"), 2)
    assert value(machine("a")) == value(machine("b")) == 2
    assert built(machine("a")) != first
    with open_store(machine("a"), read_only=False) as store:
        assert store.sql("SELECT x FROM t").fetchall() == [(2,)], "b's is continued, not a's own"


def test_a_build_of_the_same_is_not_put_into_the_lake_again(machine, monkeypatch):
    lake = machine("a")
    build(lake, 1)
    sent = counted(lake, monkeypatch, "upload")
    build(lake, 1)
    assert sent == []
    build(lake, 2)
    assert len(sent) == 1


def test_a_run_reads_what_it_has_built_and_others_only_what_is_published(machine):
    build(machine("a"), 1)
    with Building(machine("a")) as work:
        with work.connect() as store:
            assert store.sql("SELECT x FROM t").fetchall() == [(1,)]
        with work.connect(read_only=False) as store:
            store.execute("UPDATE t SET x = 2")
            store.execute("UPDATE made_of SET fingerprint = '2'")
        with work.connect() as store:
            assert store.sql("SELECT x FROM t").fetchall() == [(2,)]
        assert value(machine("a")) == 1
    assert value(machine("b")) == 2


def test_old_versions_go_after_an_hour_from_the_lake_and_from_the_cache(machine, monkeypatch):
    for number in (1, 2):
        build(machine("a"), number)
        value(machine("b"))
    lake = machine("b")
    cache = list((lake.state / "feature_store").glob("*.duckdb"))
    assert len(lake.glob("feature_store/*.duckdb")) == len(cache) == 2, "somebody may read it"
    assert not os.access(cache[0], os.W_OK) or os.geteuid() == 0
    monkeypatch.setattr(published_store, "RETIRED_FOR", timedelta(0))
    build(machine("a"), 3)
    value(machine("b"))
    assert len(lake.glob("feature_store/*.duckdb")) == 1
    assert len(list((lake.state / "feature_store").glob("*.duckdb"))) == 1


def test_a_version_that_arrives_damaged_is_not_read(machine):
    build(machine("a"), 1)
    [path] = machine("a").glob("feature_store/*.duckdb")
    machine("a").write_bytes(path, b"something else")
    with pytest.raises(RecfeatError, match="not what was published"):
        value(machine("b"))
    assert not list((machine("b").state / "feature_store").glob("*.duckdb"))


def test_a_lake_that_is_a_folder_has_one_store_and_no_copy(tmp_path):
    lake = Lake(tmp_path)
    build(lake, 1)
    assert value(lake) == 1
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()] == [
        "feature_store.duckdb"
    ]
