"""What was sent and may have been billed, at its worst case, never passes the budget."""

import asyncio
import contextlib
import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction import Limits, extract, load_version, spending
from recfeat_pipeline.extraction.budget import (
    UNCAPPED,
    Budget,
    BudgetReached,
    output_cap,
    worst_case,
)
from recfeat_pipeline.extraction.prices import Price, find_price
from recfeat_pipeline.extraction.spending import Book
from recfeat_pipeline.extraction.types import Answer, TransientError, Usage
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.unit.extraction.billed import BILLED_AND, full
from recfeat_pipeline_tests.unit.extraction.cases import Scripted, documents, good, write_version

pytestmark = pytest.mark.usefixtures("quick")
V1 = load_version("genome132-v1")
FAST = Limits(concurrency=8, transport_tries=3)
MODEL = V1.model


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")


def run(lake, script=None, version=V1, n=500, **limits):
    backend = Scripted(script)
    chosen = dataclasses.replace(FAST, **limits)
    return extract(documents(n), version, lake, "00", backend, limits=chosen), backend


@pytest.mark.parametrize(
    ("params", "cap"),
    [
        ({"max_tokens": 1200}, 1200),
        ({"max_completion_tokens": 32000}, 32000),
        ({"max_tokens": 10, "max_completion_tokens": 32000}, 32000),
        ({"options": {"num_predict": 700}}, 700),
        ({"max_tokens": 100, "n": 3}, 300),
        ({"temperature": 0}, UNCAPPED),
    ],
)
def test_the_cap_of_an_answer_in_every_dialect(params, cap):
    assert output_cap(params) == cap


@pytest.mark.parametrize("params", ["", "[params]\nmax_completion_tokens = 32000"])
@pytest.mark.parametrize("what", sorted(BILLED_AND))
def test_the_worst_case_of_all_that_was_sent_is_within_the_budget(lake, tmp_path, what, params):
    version = write_version(tmp_path / "p", extra=params) if params else V1
    sent = []

    def script(request, attempt):
        sent.append(find_price(MODEL).cost(worst_case(request)))
        return BILLED_AND[what](request, attempt)

    budget = 2.00 if params else 0.15
    try:
        run(lake, script, version, budget_usd=budget, give_up_after=1000)
    except RecfeatError:
        assert what in ("never valid", "lost on the way")
    assert 0 < sum(sent) <= budget
    assert Book(lake).total() == pytest.approx(sum(sent))


def test_a_machine_by_the_hour_keeps_its_budget_by_the_time_out(lake, tmp_path):
    (tmp_path / "prices.toml").write_text(
        f'as_of = "2026-01-01"\n[models]\n"{MODEL}" = {{ usd_per_hour = 3.60 }}\n'
    )
    limits = dataclasses.replace(FAST, timeout_s=80.0, budget_usd=0.10)  # an ask: at most $0.01

    sent = []

    def lost(request, attempt):
        sent.append(request)
        return TransientError("time-out", billed=True)

    def kept(request, attempt):
        return Answer(good(request), latency_ms=4000.0)

    backend = Scripted(kept)
    summary = extract(documents(500), V1, lake, "00", backend, limits=limits, prices=tmp_path)
    assert summary.stopped
    assert 0.05 < summary.cost_usd == pytest.approx(len(backend.asked) * 0.0005)
    assert summary.cost_usd <= 0.10
    cut, dead = Lake(tmp_path / "other"), Scripted(lost)
    with contextlib.suppress(RecfeatError):
        extract(documents(500), V1, cut, "00", dead, limits=limits, prices=tmp_path)
    assert Book(cut).total() == pytest.approx(len(sent) * 0.01)
    assert 0 < len(sent) <= 10


def test_a_run_without_cap_reserves_all_that_a_model_can_write(lake, tmp_path):
    version = write_version(tmp_path / "p", extra="without = ['max_tokens']")
    assert "max_tokens" not in version.params
    summary, backend = run(lake, version=version, budget_usd=0.25)
    assert summary.stopped
    assert not backend.asked


@pytest.mark.parametrize("name", ["budget_per_day", "budget_per_lake"])
def test_a_restart_does_not_spend_a_lakes_budget_again(lake, name):
    first, _ = run(lake, full, **{name: 0.10})
    assert 0.05 < first.cost_usd <= 0.10
    assert f"RECFEAT_{name.upper()}" in first.stopped
    again, _ = run(lake, full, **{name: 0.10})
    assert first.cost_usd + again.cost_usd <= 0.10
    assert again.stopped
    more, _ = run(lake, full, **{name: 0.20})
    assert 0.10 < first.cost_usd + again.cost_usd + more.cost_usd <= 0.20


def test_the_day_is_over_and_the_lake_is_not(lake, monkeypatch):
    run(lake, full, budget_per_day=0.05)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()
    monkeypatch.setattr(spending, "_today", lambda: tomorrow)
    assert run(lake, full, budget_per_day=0.05)[0].ok > 0
    spent = Book(lake).total()
    assert run(lake, budget_per_lake=spent)[0].ok == 0


def test_a_killed_run_counts_at_what_it_may_have_spent(lake):
    Book(lake).write(0.08)  # its page, never closed
    summary, _ = run(lake, full, budget_per_lake=0.10)
    assert summary.cost_usd <= 0.02
    assert summary.stopped
    assert Book(lake).total() <= 0.10


def test_a_run_over_midnight_counts_each_dollar_on_one_day(lake, monkeypatch):
    book, other = Book(lake), Book(lake)
    book.write(1.0)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()
    monkeypatch.setattr(spending, "_today", lambda: tomorrow)
    assert book.today() == -1.0  # what is weighed against a day's budget is the run's whole sum
    book.write(1.75, closed=True)
    assert other.total() == 1.75
    assert other.today() == 0.75


def test_a_lake_from_before_the_book_begins_with_what_its_answers_cost(lake):
    summary, _ = run(lake, n=5)
    lake.delete("spending")
    left, _ = run(lake, budget_per_lake=summary.cost_usd + 0.001)
    assert left.sent == 0
    assert Book(lake).total() == pytest.approx(summary.cost_usd)


def test_a_re_ask_is_held_until_it_is_answered():
    """Else another call could take what a try under way may yet cost."""
    dollar = Usage(1_000_000, 0, 0)
    budget = Budget(Limits(budget_usd=3.5), Price(1.0, 1.0, 1.0, "2026"), None, "m")

    async def both() -> None:
        held = await budget.hold(dollar, 1)
        held.answered(Answer("no", usage=dollar))
        assert (budget.spent, budget.reserved) == (1.0, 0.0)
        held.again()
        assert (budget.spent, budget.reserved) == (1.0, 1.0)
        with pytest.raises(BudgetReached):
            budget.more(2.0)
        held.answered(Answer("{}", usage=dollar))
        held.close()
        budget.more(1.5)

    asyncio.run(both())


def test_a_budget_without_a_price_is_refused(lake):
    for name in ("budget_usd", "budget_per_day", "budget_per_lake"):
        with pytest.raises(RecfeatError, match="no table lists the model 'my-own'"):
            extract(
                documents(), V1, lake, "00", Scripted(model="my-own"), limits=Limits(**{name: 1.0})
            )
