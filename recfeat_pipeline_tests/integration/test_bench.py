"""Every benchmark runs, at sizes that measure nothing, in this process."""

import importlib
import io
import math
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from fastapi.testclient import TestClient

from bench import soak
from bench.__main__ import benchmarks, main
from recfeat_pipeline.catalog.files import read_files
from recfeat_pipeline.extraction import runner, throttle
from recfeat_pipeline.serving.http import build_app
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer

BENCH = Path(__file__).parents[2] / "bench"
WORLD = {"n_items": 80, "n_users": 200, "median_history": 15}


@pytest.fixture
def bench(request, monkeypatch):
    """A benchmark's module, by the test's name, and a way to make its constants small."""
    module = importlib.import_module(f"bench.bench_{request.node.name.removeprefix('test_')}")

    def small(**constants):
        for name, value in constants.items():
            assert hasattr(module, name)
            monkeypatch.setattr(module, name, value)
        return module

    return small


@contextmanager
def here(_latency: float):
    """The loopback model in this process."""
    with OpenAIServer() as server:
        yield server.base_url


def check(rows: list[dict]) -> None:
    """They can be shown as ``python -m bench`` shows them."""
    assert rows
    for row in rows:
        assert set(row) == {"name", "value", "unit", "against"}
        assert math.isfinite(row["value"]), row


def test_every_benchmark_is_tried_here():
    names = {path.stem.removeprefix("bench_") for path in BENCH.glob("bench_*.py")}
    assert names == {name[5:] for name in globals() if name.startswith("test_")} - {
        "every_benchmark_is_tried_here", "help_names_every_benchmark_and_trial", "soak"
    }  # fmt: skip


def test_help_names_every_benchmark_and_trial(capsys):
    main(["--help"])
    said = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line[:2] == "  "}
    assert said == {*benchmarks(), "fortnight", "soak"}
    for name in ("text", "recommenders"):  # without options, and with some
        with pytest.raises(SystemExit) as ended:
            main([name, "--help"])
        assert ended.value.code == 0
    assert "--catalogs" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="takes no options"):
        main(["text", "--items", "3"])


def test_ask(bench, tmp_path):
    check(bench(DATA=tmp_path).run())  # says that there is no data


def test_catalogue(bench):
    check(bench(REPEATS=1).run())


def test_claims(bench):
    pairs = {"TOWERS": ("floor", "llm"), "EASE": ("ease", "ease_llm")}
    module = bench(SIZE=WORLD, SEEDS=1, STEPS=2, EASE_TIMES=1, N_SIMULATED=20, **pairs)
    check(module.run(1, 1))


def test_drift(bench):
    with OpenAIServer() as server:
        few = ("--items", "12", "--groups", "2", "--dimensions", "6")
        check(bench().run(["--endpoint", server.base_url, "--model", "gpt-4.1-mini", *few]))


def test_evaluation(bench):
    module = bench(
        N_ITEMS=50, N_EXAMPLES=400, HISTORY=20, PART=200, N_COMPARED=20, CO_WATCHED=(400, 50, 10)
    )
    check(module.run())


def test_extraction(bench, tmp_path, capsys):
    module = bench(
        server=here, LATENCY=0.001, ROUNDS=6, CONCURRENCY=2, TURNS=((2, 1),), PRICED=2, CACHED=()
    )
    check(module.run())
    for step in (module._fill, module._decide):  # each has a process of its own
        step(str(tmp_path), 10, 2)
    assert '"peak_mb"' in capsys.readouterr().out


def test_fuse(bench, tmp_path):
    assert bench().run(["--data", str(tmp_path), "--out", str(tmp_path / "out")]) == []


def test_identity(bench):
    assert bench().run() == []  # without data


def test_money(bench, monkeypatch):
    for module, name in (
        (throttle, "FIRST_PAUSE"),
        (throttle, "LONGEST_PAUSE"),
        (runner, "BACKOFF_S"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))  # it sets them
    documents = bench().documents
    check(bench(documents=lambda n: documents(min(n, 3))).run())


def test_operators(bench):
    small = {"N_ITEMS": 20, "N_USERS": 6, "N_WORDS": 4, "HISTORY": 3, "PAIRS": 8, "BATCH": 4}
    check(bench(**small).run())


def test_peers(bench):
    check(bench(server=here, LATENCY=0.001, CONCURRENCY=2, PEERS={}).run(["--calls", "4"]))


def test_recommenders(bench, tmp_path):
    assert bench().run(["--data", str(tmp_path), "--out", str(tmp_path / "out")]) == []


def test_rerank(bench):
    assert bench().run() == []  # without data


def test_scale(bench):
    """The catalogue is one; the commands are those of the other tests."""
    module = bench()

    def told(folder, _):
        assert read_files(folder / "catalog.toml").items.height == 40
        return module.Cost(1.0, 1.0, module.written_since(folder, 0))

    check(bench(command=told, SIZES=(40, 40)).run(["--until", "text"]))


def test_serving(bench):
    """Its server runs in a process of its own; the requests are these."""
    module = bench(N_ITEMS=60, LARGE=((200, 8),))
    check(module.retrieval(requests=2))
    service = module.generated()
    client = TestClient(build_app(lambda: service))
    for method, path, body in module.REQUESTS.values():
        assert client.request(method, path, json=body).status_code == 200


def test_text(bench):
    module = bench(LATENCY=0.0)
    check([module.parsing(2), *module.assembling(64)])


def test_training(bench, tmp_path, monkeypatch, capsys):
    module = bench(
        N_ITEMS=60,
        KEPT=60,
        LARGE=60,
        BATCH=16,
        WIDTHS={"floor": 0, "LLM": 8},
        _parallel=list,
        _rollback=list,
    )
    asked_for = []
    monkeypatch.setattr(torch, "compile", lambda f: asked_for.append(f) or f)  # it takes 15 s
    check(module.run())
    assert [f.__name__ for f in asked_for] == ["user_vectors", "item_vectors"]
    monkeypatch.setattr("sys.stdin", io.StringIO("go\n"))
    module.clocked(60, 1, seconds=0.01)  # these have a process of their own
    module._events(20, 10).write_parquet(tmp_path / "events.parquet")
    for task in ("sort", "examples"):
        module.child(task, str(tmp_path / "events.parquet"))
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_verdict(bench):
    few = ("--families", "markov", "--items", "80", "--users", "200", "--seeds", "1")
    check(bench().run(["--null", "1", "--planted", "1", *few]))


def test_soak(capsys):
    with pytest.raises(SystemExit) as ended:
        soak.main(["--help"])
    assert ended.value.code == 0
    assert "--kills" in capsys.readouterr().out
