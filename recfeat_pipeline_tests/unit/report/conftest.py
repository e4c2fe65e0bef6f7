from pathlib import Path

import duckdb
import pytest

from recfeat_pipeline.report.inputs import Inputs, read_inputs
from recfeat_pipeline.report.provenance import Provenance
from recfeat_pipeline_tests.report_store import build_store, provenance


@pytest.fixture
def read(tmp_path: Path):
    """Inputs of a store built to order: ``read(store options, provenance changes)``."""

    def build(store: dict | None = None, **changes) -> Inputs:
        path = build_store(tmp_path / "store.duckdb", **(store or {}))
        with duckdb.connect(str(path), read_only=True) as connection:
            return read_inputs(connection, Provenance.model_validate(provenance(**changes)))

    return build
