"""Everything that a user may add, in folders of their own, goes through one `recfeat run`."""

import re
from pathlib import Path

import pytest

from recfeat_pipeline.lake import Lake
from recfeat_pipeline.store import open_store
from recfeat_pipeline_tests.integration.cli_process import finish
from recfeat_pipeline_tests.integration.cli_world import N_ITEMS, write_catalog

DOCS = Path(__file__).parents[2] / "docs"


def examples(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)


FAMILY, _, METRIC = examples("arms.md")
[LINER_NOTES] = examples("documents.md")
CONTENT = """
from recfeat_pipeline.content.source import Source

source = Source(
    columns="SELECT 'letters' AS name",
    rows="SELECT item_id, 'letters' AS name, length(title) AS value FROM catalog.items",
)
"""
ARM = """
title = "{title}"
role = "baseline"
section = "mine"
against = [{against}]

[model]
family = "{family}"

[content]
sources = [{sources}]
"""
FILES = {
    "arms/families/together.py": FAMILY,
    "arms/content/letters.py": CONTENT,
    "arms/metrics/rbp.py": METRIC,
    "arms/together.toml": ARM.format(title="Mine", against="", family="together", sources=""),
    "arms/ease_letters.toml": ARM.format(
        title="Letters", against='"together"', family="ease", sources='"letters"'
    ),
    "sources/liner_notes.py": LINER_NOTES,
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write_catalog(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for name, value in (("LAKE", "lake"), ("ARMS", "arms"), ("SOURCES", "sources")):
        monkeypatch.setenv(f"RECFEAT_{name}", value)
    return tmp_path


def test_an_arm_a_family_a_content_source_a_metric_and_a_text_source(folder):
    said = finish(folder, "run", "--catalog", "little.toml", "--arms", "mine", "--seeds", "0")
    assert "RBP@10" in said, "the terminal shows the metric"
    lake = Lake(folder / "lake")
    fields = lake.read("documents")["fields"].explode().struct.unnest()
    assert fields.filter(source="liner_notes", label="Liner notes").height == N_ITEMS
    with open_store(lake) as store:
        ranked = store.sql(
            "SELECT DISTINCT arm FROM metrics.ranking WHERE metric = 'rbp' AND value > 0"
        )
        assert {arm for (arm,) in ranked.fetchall()} == {"together", "ease_letters"}
        pairs = store.sql("SELECT DISTINCT arm, reference FROM metrics.contrasts")
        assert ("ease_letters", "together") in pairs.fetchall()
        [(width,)] = store.sql(
            "SELECT content_width FROM ops.runs ORDER BY 1 DESC LIMIT 1"
        ).fetchall()
    assert width == 1, "the column of the content source"
    page = lake.read_bytes("report/report.html").decode()
    assert "RBP@10" in page
    assert "Liner notes, ours." in page, "the attribution of the text source"
