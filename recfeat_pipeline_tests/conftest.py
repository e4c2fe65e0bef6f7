"""What every test can use."""

import gc
import os
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from recfeat_pipeline.cli import COLLECT_AFTER
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.machine import cores
from recfeat_pipeline.registry import use_folder
from recfeat_pipeline_tests.costs import Costs

# A shared machine may pause any example: time says nothing about the code.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

SHARED = Path(__file__).parents[2] / "shared" / "data"

gc.set_threshold(*COLLECT_AFTER)  # as the command does, which most tests run in this process

# Processes that train are slow to start, and see nothing that a test has patched in this one.
os.environ["RECFEAT_WORKERS"] = "1"


def pytest_addoption(parser):
    parser.addoption(
        "--snapshot-update", action="store_true", help="rewrite the definitions snapshot"
    )
    parser.addoption("--costs", action="store_true", help="processor seconds per file and test")
    parser.addoption("--mistakes", help="append each mistake's message to this Markdown file")


def pytest_xdist_auto_num_workers(config):
    """``-n auto``: half as many again as cores, for tests wait for servers and processes too."""
    return max(2, cores() * 3 // 2)


def pytest_configure(config):
    if config.getoption("--costs"):
        config.pluginmanager.register(Costs())


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real data beside the checkout; a test that needs it is skipped without it."""
    if not (SHARED / "movielens-1m.toml").exists():
        pytest.skip("shared data absent: ../shared/data")
    return SHARED


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch):
    """No test sees the developer's own keys, endpoints or lake."""
    for name in list(os.environ):
        if name.startswith(("RECFEAT_", "OPENAI_", "TMDB_")) or name == "DAGSTER_HOME":
            monkeypatch.delenv(name)
    monkeypatch.setenv("RECFEAT_WORKERS", "1")
    use_folder(None)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Steps over to a machine: the same lake on an object store, with a home of its own."""
    root = f"memory://machines-{uuid.uuid4().hex}"

    def enter(name: str) -> Lake:
        monkeypatch.setenv("HOME", str(tmp_path / name))
        return Lake(root)

    return enter
