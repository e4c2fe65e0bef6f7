"""Every mistake is answered by one sentence: what is wrong, where, and what to do."""

import re
import shlex
from contextlib import ExitStack
from pathlib import Path

import pytest

from recfeat_pipeline_tests.integration.cli_world import run
from recfeat_pipeline_tests.integration.mistakes import MISTAKES
from recfeat_pipeline_tests.integration.mistakes.place import SECRET, Mistake, Place


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """A lake in which one item was scored, without an LLM."""
    from recfeat_pipeline.cli import run_app

    folder = tmp_path_factory.mktemp("scored")
    (folder / "solaris.txt").write_text("Plot: A lonely astronaut meets his lost wife in space.")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECFEAT_LAKE", str(folder / "lake"))
        text = str(folder / "solaris.txt")
        assert run_app(["score-item", "--title", "Solaris (1972)", "--text-file", text]) == 0
    return folder / "lake"


@pytest.fixture
def place(tmp_path, monkeypatch, scored):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path / "lake"))
    with ExitStack() as undo:
        yield Place(tmp_path, scored, monkeypatch, undo)


def test_there_are_at_least_forty():
    assert len(MISTAKES) >= 40
    assert len({mistake.name + mistake.command for mistake in MISTAKES}) == len(MISTAKES)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_answered_by_one_sentence(mistake: Mistake, place: Place, capsys, request):
    mistake.prepare(place)
    ran = run(capsys, *shlex.split(mistake.command))
    sentence = ran.error
    if log := request.config.getoption("--mistakes"):
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(f"| {mistake.name} | `recfeat {mistake.command}` | {sentence} |\n")
    assert ran.code == mistake.code
    for words in mistake.said:
        found = any(alternative in sentence for alternative in words.split("|"))
        assert found, f"{words!r} is not said in {sentence!r}"
    assert re.search(r"[.!?]$", sentence), f"not a whole sentence: {sentence!r}"
    assert len(sentence) < 900, f"too long to be read: {sentence!r}"
    assert "Traceback" not in ran.err
    assert SECRET not in ran.out + ran.err
    assert not list(place.folder.rglob("*.tmp")), "something was half-written"
