import pytest

from recfeat_pipeline.defs.partitions import n_shards
from recfeat_pipeline.lake import DEFAULT_SHARDS, Lake


class StoreDownError(Exception):
    """No OSError, as botocore's are none."""


@pytest.fixture
def lake(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return Lake("memory://test-partitions/lake")


def cut(lake: Lake, monkeypatch) -> None:
    def refuse(*_, **__):
        raise StoreDownError

    for name in ("exists", "cat_file", "info", "glob", "ls"):
        monkeypatch.setattr(lake._fs, name, refuse)


def test_the_code_loads_while_the_object_store_is_down(lake, monkeypatch):
    lake.write_note("lake", {"format": 2, "n_shards": 4})
    assert n_shards(lake) == 4
    cut(lake, monkeypatch)
    assert n_shards(lake) == 4, "kept beside the locks"


def test_a_store_that_never_answered_is_not_remembered(lake, monkeypatch):
    with monkeypatch.context() as patch:
        cut(lake, patch)
        assert n_shards(lake) == DEFAULT_SHARDS
    lake.write_note("lake", {"format": 2, "n_shards": 8})
    assert n_shards(lake) == 8
