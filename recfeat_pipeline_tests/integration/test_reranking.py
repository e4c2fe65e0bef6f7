"""An arm that reorders, from the command line to the tables, on a small catalogue."""

from recfeat_pipeline.lake import Lake
from recfeat_pipeline.store import open_store
from recfeat_pipeline_tests.integration.cli_world import run, write_catalog
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer

ARM = 'title = "Five"\nrole = "content"\nsection = "reranker"\nagainst = ["ease"]\n[model]\n'
ARM += 'family = "reranker"\ncandidates = 5\n'
LEARNS = 'title = "Learns"\nrole = "content"\nsection = "own"\nagainst = ["ease"]\n[model]\n'
LEARNS += 'family = "lightgcn"\n[train]\npairs_from = "five"\nbatch_size = 256\n'


def test_requests_are_bought_weighed_and_reported(tmp_path, monkeypatch, capsys):
    own = tmp_path / "arms"
    own.mkdir()
    (own / "five.toml").write_text(ARM)
    (own / "learns.toml").write_text(LEARNS)
    monkeypatch.setenv("RECFEAT_ARMS", str(own))
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    words = ("run", "--catalog", write_catalog(tmp_path), "--arms", "five,learns", "--seeds", "0")
    with OpenAIServer() as server:
        monkeypatch.setenv("RECFEAT_LLM_BASE_URL", server.base_url)
        monkeypatch.setenv("RECFEAT_LLM_API_KEY", "key")
        done = run(capsys, *words, "--examples", "12", "--steps", "3")
        assert done.code == 0, done.err
        assert server.groups["ranking"] == 24, "of test requests, and of as many training users"
    assert done.err.count("five: 12 of 12 calls to send, about $") == 2
    assert "Another order for the best candidates" in done.out
    lake = Lake(tmp_path / "lake")
    with open_store(lake) as store:
        [row] = store.sql("SELECT * FROM metrics.rerankers").pl().rows(named=True)
        ranked = store.sql("SELECT DISTINCT arm FROM metrics.ranks").fetchall()
        routes = store.sql("SELECT count(*) FROM metrics.routes").fetchall()
    assert (row["arm"], row["base"], row["answered"]) == ("five", "ease", 12)
    assert sorted(ranked) == [("ease",), ("learns",)], "a sample has no ranks of all"
    assert lake.read("augmented_pairs").height == 12
    assert routes[0][0] >= 6
    report = lake.read_bytes("report/report.html").decode()
    assert "Another order at the moment of the request" in report
    assert "What buys how much" in report
