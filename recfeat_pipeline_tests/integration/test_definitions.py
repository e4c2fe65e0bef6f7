"""The code location: what it contains and how lightly it loads."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from recfeat_pipeline.definitions import defs
from recfeat_pipeline.defs.feature_store.sql import checks_of, sentence
from recfeat_pipeline.defs.stages import STAGES
from recfeat_pipeline.sql_models import load_models

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


@pytest.fixture(scope="module")
def nodes():
    graph = defs.resolve_asset_graph()
    return [graph.get(key) for key in sorted(graph.materializable_asset_keys)]


def test_every_asset_says_what_it_means_and_what_a_row_is(nodes):
    for node in nodes:
        name = node.key.to_user_string()
        assert node.kinds, f"{name} has no kind"
        assert node.owners, f"{name} has no owner"
        assert "recfeat/costs" in node.tags, f"{name} does not say what it costs"
        said = (node.description or "").partition("```")[0]
        assert name == "report" or re.search(r"\bOne (row|event)\b", said), f"{name}: {said!r}"


def test_every_table_explains_its_columns(nodes):
    for node in nodes:
        name = node.key.to_user_string()
        if name == "report":
            continue
        columns = node.metadata["dagster/column_schema"].columns
        assert columns, f"{name} names no column"
        assert {"dagster/uri", "dagster/table_name"} <= node.metadata.keys(), name
        unexplained = [column.name for column in columns if not column.description]
        assert not unexplained, f"{name} does not say what these are: {unexplained}"


def test_every_asset_points_to_its_page(nodes):
    for node in nodes:
        references = node.metadata["dagster/code_references"].code_references
        assert any(reference.label.startswith("docs/") for reference in references)


def test_groups_stand_in_the_order_of_the_flow(nodes):
    groups = [node.group_name for node in nodes]
    assert [group.partition("_")[2] for group in sorted(set(groups))] == list(STAGES)


def test_checks_of_a_table_say_in_plain_words_what_they_ask():
    [(sound, tests)] = checks_of(load_models()["catalog.items"])
    assert sound.blocking
    assert len(tests) > 1
    assert sound.description.splitlines() == [f"- {sentence(test)}" for test in tests]
    assert "- item_id is never missing" in sound.description
    severities = [spec.blocking for spec, _ in checks_of(load_models()["metrics.contrasts"])]
    assert severities == sorted(severities, reverse=True)


def test_the_code_location_loads_without_the_heavy_packages():
    code = (
        "import sys, recfeat_pipeline.definitions;"
        "print(*sorted({'torch', 'lightning', 'openai', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
