"""The engine beside other programs that ask many calls: calls a second, CPU a call.

The peers live in an environment of their own, for they pin what we pin otherwise::

    python -m venv peers
    peers/bin/pip install bespokelabs-curator litellm instructor bpe-openai
    python -m bench peers --python peers/bin/python

Each is given the same 900 calls (one group of a real prompt, 64 in flight) of one loopback server
that takes 200 ms, one after the other; each keeps its habits. CPU is of the asking process, all its
threads.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bench.bench_extraction import documents, server
from recfeat_pipeline.extraction import Limits, extract_many, load_version
from recfeat_pipeline.extraction.backends.online import OnlineBackend
from recfeat_pipeline.extraction.requests import build, keyed, messages
from recfeat_pipeline.lake import Lake

CALLS, CONCURRENCY, LATENCY = 900, 64, 0.2
PEERS = {
    "curator": "bespokelabs-curator",
    "litellm": "litellm",
    "instructor": "instructor",
}


def run(options: list[str] | None = None) -> list[dict]:
    parser = argparse.ArgumentParser(prog="python -m bench peers")
    parser.add_argument("--python", default=sys.executable, help="interpreter that has the peers")
    parser.add_argument("--calls", type=int, default=CALLS)
    given = parser.parse_args(options or [])
    whole = load_version("genome132-v1")
    version = replace(whole, questions=whole.questions[1:2])
    frame = documents(1, given.calls)
    found = {"recfeat": _ours(version, frame)}
    calls = [
        {
            "messages": messages(request),
            "schema": request.question.schema,
            "group": request.question.group,
        }
        for request in build(frame, keyed(frame, version, version.model), version, version.model)
    ]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "calls.json")
        file.write_text(json.dumps({"model": version.model, "calls": calls}))
        for name in PEERS:
            found[name] = _peer(name, given.python, file)
    rows = []
    for name, took in found.items():
        if isinstance(took, str):
            rows.append({"name": name, "value": 0, "unit": "–", "against": took})
            continue
        seconds, cpu, ok = took["seconds"], took["cpu"], took["ok"]
        against = f"{ok} of {given.calls} valid, {CONCURRENCY} in flight, {LATENCY * 1e3:.0f} ms"
        rows += [
            {"name": f"{name}, calls", "value": ok / seconds, "unit": "/s", "against": against},
            {"name": f"{name}, CPU", "value": cpu / max(ok, 1) * 1e3, "unit": "ms a call",
             "against": against},
        ]  # fmt: skip
    return rows


def _ours(version, frame) -> dict[str, float]:
    limits = Limits(concurrency=CONCURRENCY)
    with server(LATENCY) as url, tempfile.TemporaryDirectory() as folder:
        backend = OnlineBackend(version.model, url, None, limits)
        started, cpu = time.perf_counter(), time.process_time()
        done = extract_many(["00"], lambda _: frame, version, Lake(folder), backend, limits=limits)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    return {"seconds": seconds, "cpu": cpu, "ok": done["00"].ok}


def _peer(name: str, python: str, file: Path) -> dict[str, float] | str:
    """What a peer took; a sentence where it is not installed or fails."""
    module = {"curator": "bespokelabs.curator"}.get(name, name)
    has = subprocess.run([python, "-c", f"import {module}"], capture_output=True, cwd=file.parent)
    if has.returncode:
        return f"not installed in {python}: pip install {PEERS[name]}"
    script = str(Path(__file__).with_name("peer_loops.py"))
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(file.parent)}
    with server(LATENCY) as url:
        ran = subprocess.run(
            [python, script, name, url, str(file), str(CONCURRENCY)],
            capture_output=True, text=True, cwd=file.parent, env=environment,
        )  # fmt: skip
    lines = ran.stdout.splitlines()
    if ran.returncode or not lines or not lines[-1].startswith("{"):
        return f"failed: {(ran.stderr.splitlines() or lines or ['without a word'])[-1][:200]}"
    return json.loads(lines[-1])
