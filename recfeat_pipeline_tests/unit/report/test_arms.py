from recfeat_pipeline.report.blocks import Table
from recfeat_pipeline.report.caveats import find_caveats
from recfeat_pipeline.report.sections.arms import arms


def test_settings_that_validation_chose_are_shown_by_arm(read):
    chosen = [{"arm": "llm", "by": "--tune", "settings": {"dropout": "0.2", "context": "20"}}]
    [table] = [b for b in arms(read(chosen=chosen)).blocks if getattr(b, "name", "") == "chosen"]
    assert isinstance(table, Table)
    assert [list(row[1:]) for row in table.rows] == [["--tune", "dropout 0.2, context 20"]]


def test_without_chosen_settings_there_is_one_table(read):
    assert [b.name for b in arms(read()).blocks if isinstance(b, Table)] == ["arms"]


def test_a_stale_run_is_marked_with_its_seeds_and_is_a_caveat(read):
    inputs = read(stale={"llm": [1, 2]})
    names = [row[0] for row in arms(inputs).blocks[0].rows]
    assert [name for name in names if "stale" in name] == ["LLM features (B′) (stale: seed 1, 2)"]
    assert any(c.startswith("Stale: 2 runs (LLM features") for c in find_caveats(inputs))
