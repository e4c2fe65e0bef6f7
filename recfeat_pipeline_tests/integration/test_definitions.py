"""The code location: what it contains and how lightly it loads."""

import json
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from recfeat_pipeline.definitions import defs

SNAPSHOT = Path(__file__).parent / "definitions_snapshot.json"


def lineage() -> dict[str, dict]:
    graph = defs.resolve_asset_graph()
    return {
        key.to_user_string(): {
            "group": graph.get(key).group_name,
            "kinds": sorted(graph.get(key).kinds),
            "deps": sorted(dep.to_user_string() for dep in graph.get(key).parent_keys),
            "checks": sorted(check.name for check in graph.get(key).check_keys),
            "partitions": graph.get(key).partitions_def is not None,
        }
        for key in graph.materializable_asset_keys
    }


def test_lineage_changes_only_on_purpose(request):
    """Rewrite the snapshot with ``pytest -k lineage --snapshot-update`` and read its diff."""
    now = lineage()
    if request.config.getoption("--snapshot-update"):
        SNAPSHOT.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
    assert now == json.loads(SNAPSHOT.read_text())


def test_every_asset_explains_itself():
    graph = defs.resolve_asset_graph()
    for key in graph.materializable_asset_keys:
        node = graph.get(key)
        assert node.description, f"{key} has no description"
        assert node.group_name != "default", f"{key} has no group"
        assert node.kinds, f"{key} has no kind"
        assert node.owners, f"{key} has no owner"


def test_the_code_location_loads_without_the_heavy_packages():
    code = (
        "import sys, recfeat_pipeline.definitions;"
        "print(*sorted({'torch', 'lightning', 'openai', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("group", ["catalog", "text", "extraction", "training", "evaluation"])
def test_every_stage_has_assets(group):
    selection = dg.AssetSelection.groups(group)
    assert selection.resolve(defs.resolve_asset_graph())
