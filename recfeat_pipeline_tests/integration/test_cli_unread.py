"""Scores that no chosen arm reads are not bought."""

from recfeat_pipeline.cli import run_app
from recfeat_pipeline_tests.integration.cli_world import N_ITEMS, run, write_catalog
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer

ARMS = "popularity,item_knn,item_knn_genres"


def test_nothing_is_asked_for_arms_that_read_no_scores(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path / "lake"))
    write_catalog(tmp_path)
    words = ("run", "--catalog", "little.toml", "--arms", ARMS, "--seeds", "0")
    with OpenAIServer() as server:
        monkeypatch.setenv("RECFEAT_LLM_BASE_URL", server.base_url)
        ran = run(capsys, *words)
        assert ran.code == 0, ran.err
        assert "No chosen arm reads scores" in ran.err
        assert "calls for" not in ran.err  # nothing is estimated either
        assert "item_knn_genres" in ran.out
        assert server.counts["chat"] == 0
        assert run_app(["status", "--exit-code"]) == 0
        assert "nothing was extracted from texts" in _report(tmp_path)
        assert run(capsys, *words, "--until", "extraction").code == 0
        assert server.counts["chat"] == 6 * N_ITEMS
        named = ("--prompt-version", "genome132-one-call", "--until", "feature_store")
        assert run(capsys, *words, *named).code == 0
        assert server.counts["chat"] == 7 * N_ITEMS


def _report(folder):
    return (folder / "lake" / "report" / "report.html").read_text("utf-8")
