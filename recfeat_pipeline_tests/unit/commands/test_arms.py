"""Which arms `recfeat arms` lists: those on the promoted version's dimensions."""

from types import SimpleNamespace

import pytest

from recfeat_pipeline.commands.arms import arms
from recfeat_pipeline.commands.invocation import Invocation
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.lake import Lake

OF_FILMS = {"overview_only", "llm_without_tone"}


@pytest.fixture
def listed(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("COLUMNS", "400")

    def run(*names, every=False) -> set[str]:
        arms(SimpleNamespace(obj=Invocation([])), *names, every=every)
        return {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.strip()}

    return run


def test_arms_of_films_are_not_listed_for_something_else(listed, tmp_path):
    assert listed() >= {"title_only", *OF_FILMS}
    Lake(tmp_path / "lake").remember(promoted=load_version("products-starter").key)
    assert listed() >= {"floor", "llm", "title_only", "names_masked"}
    assert not listed() & OF_FILMS
    assert listed(every=True) >= OF_FILMS
    assert "overview_only" in listed("overview_only")
