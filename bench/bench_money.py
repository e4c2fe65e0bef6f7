"""Two promises about money, as tables: the budget under every fault, and every dialect.

**Budget**: a scripted endpoint bills all that was sent at its worst case; the value is the dollars
that it may have billed ÷ the budget, which is never above 1. **Dialects**: a loopback server with
each provider's manners, spoken to without a profile and with the shipped one; the value is valid
answers ÷ calls, and beside it what was refused and learned.
"""

import tempfile
from contextlib import suppress
from pathlib import Path

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction import (
    Limits,
    PromptVersion,
    extract,
    load_version,
    runner,
    throttle,
)
from recfeat_pipeline.extraction.backends.online import OnlineBackend
from recfeat_pipeline.extraction.budget import worst_case
from recfeat_pipeline.extraction.dialect import Dialect
from recfeat_pipeline.extraction.endpoints import profile_of
from recfeat_pipeline.extraction.prices import find_price
from recfeat_pipeline.extraction.spending import Book
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.integration.test_extraction_dialects import ADDRESSES
from recfeat_pipeline_tests.servers.openai_dialects import MANNERS
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer
from recfeat_pipeline_tests.unit.extraction.billed import BILLED_AND, full
from recfeat_pipeline_tests.unit.extraction.cases import Scripted, documents, write_version

V1 = load_version("genome132-v1")
RESTARTS = 3


def run() -> list[dict]:
    throttle.FIRST_PAUSE, throttle.LONGEST_PAUSE, runner.BACKOFF_S = 0.005, 0.02, 0.001
    with tempfile.TemporaryDirectory() as folder:
        return [*_budgets(Path(folder)), *_dialects()]


def _budgets(folder: Path) -> list[dict]:
    caps = {
        "max_tokens 1200": (V1, 0.15),
        "max_completion_tokens 32000": (
            write_version(folder, extra="[params]\nmax_completion_tokens = 32000\n"),
            2.00,
        ),
    }
    rows = []
    for cap, (version, usd) in caps.items():
        for what, script in BILLED_AND.items():
            with tempfile.TemporaryDirectory() as root:
                sent, book = _spend(Lake(root), version, script, Limits(8, budget_usd=usd))
            rows.append(_row(f"{what}, {cap}", sent, usd, f"of a run; the book says ${book:.4f}"))
    for name in ("budget_per_day", "budget_per_lake"):
        with tempfile.TemporaryDirectory() as root:
            limits = Limits(8, **{name: 0.10})
            sent = sum(_spend(Lake(root), V1, full, limits)[0] for _ in range(RESTARTS))
        rows.append(_row(f"{RESTARTS} restarts", sent, 0.10, name))
    with tempfile.TemporaryDirectory() as root:
        Book(Lake(root)).write(0.08)  # of a run that was killed, at its worst case
        sent, _ = _spend(Lake(root), V1, full, Limits(8, budget_per_lake=0.10))
    return [*rows, _row("after a killed run of $0.08", 0.08 + sent, 0.10, "budget_per_lake")]


def _spend(lake: Lake, version: PromptVersion, script, limits: Limits) -> tuple[float, float]:
    """Dollars that all that was sent may have cost, and what the lake's book says."""
    price, sent = find_price(version.model), []

    def counting(request, attempt):
        sent.append(price.cost(worst_case(request)))
        return script(request, attempt)

    with suppress(RecfeatError):  # worthless answers end a run as well
        extract(documents(500), version, lake, "00", Scripted(counting), limits=limits)
    return sum(sent), Book(lake).total()


def _row(what: str, usd: float, budget: float, against: str) -> dict:
    against = f"${usd:.4f} of ${budget:.2f}, {against}"
    return {"name": f"budget: {what}", "value": usd / budget, "unit": "×", "against": against}


def _dialects() -> list[dict]:
    rows = []
    for name in MANNERS:
        ways = {"no profile": Dialect()}
        if name in ADDRESSES:
            ways["its profile"] = profile_of(*ADDRESSES[name][:2])
        for way, dialect in ways.items():
            ok, against = _asked(name, dialect)
            rows.append(
                {"name": f"dialect: {name}, {way}", "value": ok, "unit": "×", "against": against}
            )
    return rows


def _asked(name: str, dialect: Dialect) -> tuple[float, str]:
    """Valid answers ÷ calls, and what it took to get them."""
    notes: list[str] = []
    with tempfile.TemporaryDirectory() as root, OpenAIServer(dialect=name) as server:
        backend = OnlineBackend(V1.model, server.base_url, None)
        backend.endpoint.dialect = dialect
        try:
            done = extract(documents(8), V1, Lake(root), "00", backend, note=notes.append)
        except RecfeatError as error:
            return 0.0, f"stopped: {str(error)[:60]}…"
    learned = [note.rpartition("”: ")[2].removesuffix(" from now on.") for note in notes]
    said = f": {'; '.join(learned)}" if learned else ""
    return done.ok / done.requested, f"{server.refused} refused{said}; asked {backend.name}"
