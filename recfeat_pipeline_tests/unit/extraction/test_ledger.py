"""No crash loses what was answered."""

import json
import os
from datetime import timedelta

import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.journal import read_lines
from recfeat_pipeline.extraction.ledger import SEGMENT_ROWS, Ledger, answers, journalled, statuses
from recfeat_pipeline.extraction.rows import response_row
from recfeat_pipeline.extraction.types import Question, Request, Usage
from recfeat_pipeline.lake import COMPACT_ABOVE, Lake


def row(key="k1", status="ok", content='{"a": 1}', item_id=1):
    request = Request(key, item_id, "v@1", Question("tone", "s", {}), "d", "t", "m", {})
    reason = None if status == "ok" else "schema: x"
    return response_row(request, "online", content, status, reason, 1, Usage(3, 1, 2), 0.5, 9.0)


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path)


def journal(lake):
    return lake.state / "journal" / "shard=00.jsonl"


def test_a_closed_ledger_is_segments_and_an_empty_journal(lake):
    with Ledger(lake, "00") as ledger:
        ledger.append(row("a"))
        ledger.append(row("b", "failed"))
    assert journal(lake).read_bytes() == b""
    assert dict(statuses(lake, "00").iter_rows()) == {"a": "ok", "b": "failed"}


def crashed(lake, *rows, torn=b""):
    """A journal as kill -9 leaves it."""
    journal(lake).parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(r, default=lambda d: d.isoformat()).encode() + b"\n" for r in rows]
    journal(lake).write_bytes(b"".join(lines) + torn)


def test_the_journal_of_a_dead_process_is_replayed(lake):
    crashed(lake, row("a"), row("b"), torn=b'{"cache_key": "c", "item_')
    with Ledger(lake, "00") as ledger:
        assert set(ledger.statuses()["cache_key"]) == {"a", "b"}
    assert (
        (lake.state / "journal" / "shard=00.damaged").read_bytes().startswith(b'{"cache_key": "c"')
    )


def test_a_journal_is_read_without_touching_it(lake):
    assert journalled(lake).is_empty()
    crashed(lake, row("a"), row("b", "failed"), torn=b'{"cache_key": "c", "item_')
    before = journal(lake).read_bytes()
    assert dict(journalled(lake).select("cache_key", "status").iter_rows()) == {
        "a": "ok",
        "b": "failed",
    }
    assert journal(lake).read_bytes() == before


def test_a_death_between_segment_and_empty_journal_leaves_no_double(lake):
    crashed(lake, row("a"), row("b"))
    left = journal(lake).read_bytes()
    with Ledger(lake, "00"):
        pass
    journal(lake).write_bytes(left)
    with Ledger(lake, "00"):
        pass
    assert lake.read("responses").height == 2


def test_ok_beats_failed_and_the_newest_ok_is_read(lake):
    with Ledger(lake, "00") as ledger:
        ledger.append(row("a", content="first"))
        ledger.append(row("a", "failed"))
        ledger.append(row("a", content="second"))
        ledger.append(row("b", "failed"))
    found = answers(lake, "00", statuses(lake, "00")["cache_key"])
    assert dict(found.select("cache_key", "response").iter_rows()) == {"a": "second"}
    assert dict(statuses(lake, "00").iter_rows()) == {"a": "ok", "b": "failed"}


def test_a_full_journal_becomes_a_segment_by_itself(lake):
    with Ledger(lake, "00") as ledger:
        for i in range(SEGMENT_ROWS + 1):
            ledger.append(row(f"k{i}"))
        assert statuses(lake, "00").height == SEGMENT_ROWS
        assert journal(lake).read_bytes().count(b"\n") == 1


def test_two_holders_of_one_shard_are_kept_apart_and_of_two_are_not(lake):
    refused = pytest.raises(RecfeatError, match=r"Shard 00 .* another process")
    with Ledger(lake, "00"), Ledger(lake, "01"), refused:
        Ledger(lake, "00", wait_s=0).__enter__()
    with Ledger(lake, "00", wait_s=0):
        pass


def test_odd_text_survives_the_journal(lake):
    odd = 'é\u2028\x00\ud800 {"\\u0000"}\n\r'
    crashed(lake, row("a", content=odd))
    with Ledger(lake, "00") as ledger:
        ledger.append(row("b", content=odd))
    kept = lake.read("responses")["response"].to_list()
    assert kept == [odd.replace("\ud800", "\ufffd")] * 2


def test_string_ids(lake):
    with Ledger(lake, "00") as ledger:
        ledger.append(row("a", item_id="tt01"))
    assert lake.read("responses")["item_id"].to_list() == ["tt01"]


def test_a_full_disk_says_so(lake, monkeypatch):
    with Ledger(lake, "00") as ledger, monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: len(data) - 1)
        with pytest.raises(RecfeatError, match="Free some disk space"):
            ledger.append(row("a"))


def left_by_kill(lake, *rows):
    """The journal of a process that died after these answers; its lines are as `append` wrote."""
    ledger = Ledger(lake, "00").__enter__()
    for each in rows:
        ledger.append(each)
    data = journal(lake).read_bytes()
    ledger.__exit__()
    lake.delete("responses")
    return data


def test_every_flipped_bit_of_a_journal_is_found(lake):
    bought = row("a", content='{"scores": {"dark": 0.25}}')
    whole = left_by_kill(lake, bought)
    for bit in range(8 * (len(whole) - 1)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        rows, damaged = read_lines(bytes(flipped))
        assert (rows, bool(damaged)) == ([], True), f"bit {bit} changed the line in silence"
    assert read_lines(whole) == ([bought], [])


@pytest.mark.parametrize("line", [b"null", b"3", b"[]", b"{}", b'"x"', b"\xff", b"{"])
def test_a_damaged_line_is_put_aside_counted_and_costs_no_other(lake, line):
    whole = left_by_kill(lake, row("a"), row("b"))
    first, second = whole.splitlines(keepends=True)
    journal(lake).write_bytes(first + line + b"\n" + second)
    with Ledger(lake, "00") as ledger:
        assert ledger.damaged == 1
        assert ledger.aside.read_bytes() == line + b"\n"
        assert set(ledger.statuses()["cache_key"]) == {"a", "b"}
    with Ledger(lake, "00") as ledger:  # not an error for ever
        assert ledger.damaged == 0


def test_the_journal_is_emptied_only_once_its_segment_is_written(lake, monkeypatch):
    ledger = Ledger(lake, "00").__enter__()
    ledger.append(row("a"))
    with monkeypatch.context() as patch:
        patch.setattr(lake, "write_bytes", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            ledger.flush()
    assert [kept["cache_key"] for kept in read_lines(journal(lake).read_bytes())[0]] == ["a"]
    ledger.__exit__()
    assert lake.read("responses")["cache_key"].to_list() == ["a"]


def test_leaving_merges_the_segments_of_many_short_runs_and_keeps_each_row_once(lake, monkeypatch):
    monkeypatch.setattr("recfeat_pipeline.lake.RETIRED_FOR", timedelta(0))
    for i in range(COMPACT_ABOVE + 2):
        with Ledger(lake, "00") as ledger:
            ledger.append(row(f"k{i}"))
    assert len(lake.table_paths("responses")) <= 2
    assert sorted(lake.read("responses")["cache_key"]) == sorted(
        f"k{i}" for i in range(COMPACT_ABOVE + 2)
    )


def test_a_shard_that_was_only_read_is_not_merged(lake, monkeypatch):
    with Ledger(lake, "00") as ledger:
        ledger.append(row("a"))
    monkeypatch.setattr(lake, "compact", lambda folder: pytest.fail("nothing was written"))
    with Ledger(lake, "00"):
        pass
