"""What will be bought is known before, and what was bought after."""

import dataclasses

import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction import Limits, extract, load_version
from recfeat_pipeline.extraction.estimate import estimate
from recfeat_pipeline.extraction.journal import to_line
from recfeat_pipeline.extraction.prices import find_price
from recfeat_pipeline.extraction.spending import Book
from recfeat_pipeline.extraction.tokens import rough_tokens, token_counter
from recfeat_pipeline.extraction.types import Answer, Usage
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.unit.extraction.cases import Scripted, documents, good

V1 = load_version("genome132-v1")


def test_every_call_of_every_document_is_counted():
    found = estimate(documents(10), V1)
    assert (found.documents, found.calls, found.cached, found.to_send) == (10, 60, 0, 60)
    assert found.model == "gpt-4.1-mini"
    # Six systems of 2,252 to 3,547 characters and a short document: 500 to 1,000 tokens each.
    assert 60 * 500 < found.prompt_tokens < 60 * 1000
    assert found.cost_usd == pytest.approx(
        (found.prompt_tokens * 0.40 + found.completion_tokens * 1.60) / 1e6
    )
    assert found.cost_usd_batch == pytest.approx(found.cost_usd / 2)


def test_what_the_ledger_holds_costs_nothing(tmp_path):
    lake = Lake(tmp_path)
    extract(documents(4), V1, lake, "00", Scripted(), limits=Limits(4))
    found = estimate(documents(10), V1, lake=lake)
    assert (found.cached, found.to_send) == (24, 36)
    done = estimate(documents(4), V1, lake=lake)
    assert (done.to_send, done.prompt_tokens, done.cost_usd, done.hours) == (0, 0, 0, 0)


def test_what_a_killed_run_left_in_its_journal_costs_nothing(tmp_path):
    lake = Lake(tmp_path)
    extract(documents(4), V1, lake, "00", Scripted(), limits=Limits(4))
    [segment] = lake.table_paths("responses", shard="00")
    journal = lake.state / "journal" / "shard=00.jsonl"
    rows = lake.read_parquet(segment).iter_rows(named=True)
    journal.write_bytes(b"".join(map(to_line, rows)))
    (tmp_path / segment).unlink()
    found = estimate(documents(10), V1, lake=lake)
    assert (found.cached, found.to_send) == (24, 36)


def test_the_estimate_is_held_against_what_was_paid(tmp_path):
    lake = Lake(tmp_path)
    before = estimate(documents(4), V1, lake=lake)
    assert before.over_paid is None
    paid = extract(documents(4), V1, lake, "00", Scripted(), limits=Limits(4)).cost_usd
    after = estimate(documents(10), V1, lake=lake)
    assert after.over_paid == pytest.approx(before.cost_usd / paid, rel=0.01)
    assert estimate(documents(4), V1, model="gpt-4o", lake=lake).over_paid is None


def test_rates_and_concurrency_make_the_hours():
    few, many = (estimate(documents(10), V1, limits=Limits(concurrency=c)).hours for c in (1, 10))
    assert few == pytest.approx(10 * many)
    slow = estimate(documents(10), V1, limits=Limits(requests_per_minute=1))
    assert slow.hours == pytest.approx(1.0)


def test_an_unknown_model_has_tokens_but_no_price():
    found = estimate(documents(3), V1, model="my-own")
    assert found.cost_usd is None
    assert found.prompt_tokens > 0


def test_no_documents():
    assert estimate(documents(3).clear(), V1).calls == 0


def test_a_dated_model_name_has_the_price_of_its_family():
    assert find_price("gpt-4.1-mini-2025-04-14") == find_price("gpt-4.1-mini")
    assert find_price("gpt-4.1-minister") is None


def test_cached_tokens_are_cheaper():
    price = find_price("gpt-4.1-mini")
    assert price.cost(Usage(1_000_000, 0, 0)) == pytest.approx(0.40)
    assert price.cost(Usage(1_000_000, 1_000_000, 0)) == pytest.approx(0.10)
    assert price.cost(Usage(0, 0, 1_000_000)) == pytest.approx(1.60)


def test_a_price_table_of_ones_own_comes_first(tmp_path):
    (tmp_path / "prices.toml").write_text(
        'as_of = "2026-01-01"\n[models]\n"my-own" = { input = 1.0, output = 2.0 }\n'
    )
    price = find_price("my-own", tmp_path)
    assert (price.input, price.cached_input, price.as_of) == (1.0, 1.0, "2026-01-01")
    assert find_price("gpt-4o", tmp_path).input == 2.50
    (tmp_path / "prices.toml").write_text('[models]\n"my-own" = { input = "free" }\n')
    with pytest.raises(RecfeatError, match="is not a price table"):
        find_price("my-own", tmp_path)


HOURLY = 'as_of = "2026-01-01"\n[models]\n"{}" = {{ usd_per_hour = 3.60 }}\n'


def test_a_machine_of_ones_own_costs_its_time(tmp_path):
    (tmp_path / "prices.toml").write_text(HOURLY.format("my-own"))
    price = find_price("my-own", tmp_path)
    assert price.cost(Usage(10**9, 0, 10**9)) == 0
    assert price.cost(Usage(), seconds=1000) == pytest.approx(1.00)
    found = estimate(documents(10), V1, "my-own", limits=Limits(5), prices=tmp_path)
    assert found.cost_usd == pytest.approx(found.hours * 3.60)
    assert found.cost_usd == pytest.approx(60 * 4 / 5 * 0.001)  # 4 s each, 5 at once
    assert found.cost_usd_batch is None
    assert found.prices_as_of == "2026-01-01"


@pytest.mark.parametrize("price", ["0", "-1", '"dear"', "1.0, input = 1.0"])
def test_a_price_by_the_hour_is_above_nothing_and_stands_alone(tmp_path, price):
    (tmp_path / "prices.toml").write_text(HOURLY.format("my-own").replace("3.60", price))
    with pytest.raises(RecfeatError, match="is not a price table"):
        find_price("my-own", tmp_path)


def test_the_ledger_and_the_estimate_agree_about_the_hour(tmp_path):
    (tmp_path / "prices.toml").write_text(HOURLY.format(V1.model))
    lake, limits = Lake(tmp_path / "lake"), Limits(concurrency=4)
    slow = Scripted(lambda r, a: Answer(good(r), latency_ms=4000.0, counted=False))
    paid = extract(documents(4), V1, lake, "00", slow, limits=limits, prices=tmp_path)
    assert paid.cost_usd == pytest.approx(24 * 4 / 4 * 0.001)
    assert Book(lake).total() == pytest.approx(paid.cost_usd)
    after = estimate(documents(10), V1, lake=lake, limits=limits, prices=tmp_path)
    assert after.cost_usd == pytest.approx(36 * 4 / 4 * 0.001)
    assert after.over_paid == pytest.approx(1.0)


def test_tokens_by_size():
    assert rough_tokens("") == 0
    assert rough_tokens("four") == 1
    assert rough_tokens("日本語") == 3  # nine bytes


def test_whatever_counts_is_named():
    count, name = token_counter("gpt-4.1-mini")
    assert count("The quick brown fox jumps over the lazy dog.") in range(9, 13)
    assert name


def test_limits_are_values():
    assert dataclasses.replace(Limits(), budget_usd=1.0).concurrency == 64
