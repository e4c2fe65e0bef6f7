import itertools
import threading
import time
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from recfeat_pipeline import leases
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import COMPACT_ABOVE, Lake, shard_of
from recfeat_pipeline.text.raw import UNCHANGED, Policy, RawStore
from recfeat_pipeline.text.source import Source

NOW = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ITEMS = pl.DataFrame({"item_id": [1, 2], "key": ["tmdb:1", "tmdb:2"]})


@pytest.fixture
def store(tmp_path):
    return RawStore(Lake(tmp_path), "tmdb", Policy(ttl=30 * DAY, missing=20 * DAY, again=DAY))


def write(store, status, at=NOW, item_id=1, key=None, **row):
    with store.writer(pl.Int64()) as writer:
        key = key or f"tmdb:{item_id}"
        writer.add(item_id=item_id, key=key, status=status, fetched_at=at, **row)


def due(store, now, items=ITEMS):
    return dict(store.plan(items, now).select("item_id", "due").iter_rows())


def bodies(store, items=ITEMS):
    return dict(store.current(items).select("item_id", "body").iter_rows())


def test_an_empty_store_has_everything_due_and_nothing_stored(store):
    assert due(store, NOW) == {1: "new", 2: "new"}
    assert bodies(store) == {}
    assert store.current(ITEMS).schema["item_id"] == pl.Int64


@pytest.mark.parametrize(
    ("status", "days", "expected"),
    [
        ("ok", 0, None),
        ("ok", 14, None),  # no item expires before half its time
        ("ok", 30, "expired"),
        ("failed", 0, "failed"),
        ("partial", 0.5, None),
        ("partial", 1, "partial"),
        ("missing", 9, None),
        ("missing", 20, "missing"),
    ],
)
def test_when_an_answer_is_due_again(store, status, days, expected):
    write(store, status, body="b" if status in ("ok", "partial") else None)
    assert due(store, NOW + days * DAY).get(1) == expected


def test_revisions_are_of_whole_texts_that_still_hold(store):
    write(store, "ok", item_id=1, body="b", url="u1", revision="7")
    write(store, "ok", NOW + DAY, item_id=1, how_found=UNCHANGED, url="u1", revision="7")
    write(store, "ok", item_id=2, body="b", url="u2", revision="8")
    assert store.revisions(ITEMS).rows() == [("u1", "7"), ("u2", "8")]
    write(store, "missing", NOW + DAY, item_id=2)
    write(store, "partial", NOW + 2 * DAY, item_id=1, body="b", url="u1", revision="9")
    assert store.revisions(ITEMS).rows() == []


def test_the_noted_changes_stay_a_few_files(store, monkeypatch):
    monkeypatch.setattr("recfeat_pipeline.lake.RETIRED_FOR", timedelta(0))
    write(store, "ok", item_id=1, body="b", url="u1", revision="7")
    for day in range(COMPACT_ABOVE + 5):
        store.note_changes(["u1", "other"], NOW + day * DAY)
    assert len(store.lake.glob("raw/tmdb/changes/*.parquet")) <= COMPACT_ABOVE
    assert store.changes().height == 2 * (COMPACT_ABOVE + 5)
    assert due(store, NOW + 2 * DAY)[1] == "changed"


def test_items_do_not_all_expire_on_one_day(store):
    items = pl.DataFrame({"item_id": range(200)}).with_columns(key=pl.format("tmdb:{}", "item_id"))
    with store.writer(pl.Int64()) as writer:
        for item_id, key in items.iter_rows():
            writer.add(item_id=item_id, key=key, status="ok", fetched_at=NOW, body="b")
    by_day = [store.plan(items, NOW + day * DAY).height for day in (15, 20, 25, 30)]
    assert by_day[0] < 20 < by_day[1] < by_day[2] < by_day[3] == 200


def test_the_newest_answer_wins_and_a_failure_is_no_answer(store):
    write(store, "ok", body="old")
    write(store, "ok", NOW + DAY, body="new")
    write(store, "failed", NOW + 2 * DAY, reason="HTTP 500")
    assert bodies(store) == {1: "new"}
    assert due(store, NOW + 2 * DAY)[1] == "failed"


def test_a_partial_body_stands_in_until_an_ok_one_and_never_replaces_it(store):
    write(store, "partial", body="half")
    assert bodies(store) == {1: "half"}
    write(store, "ok", NOW + DAY, body="whole")
    write(store, "partial", NOW + 2 * DAY, body="half again")
    assert bodies(store) == {1: "whole"}


def test_an_unchanged_revision_renews_the_stored_body(store):
    write(store, "ok", body="b", revision="7", url="u", how_found="imdb_id")
    write(store, "ok", NOW + 30 * DAY, revision="7", url="u", how_found=UNCHANGED)
    assert bodies(store) == {1: "b"}
    assert 1 not in due(store, NOW + 40 * DAY)
    expired = store.plan(ITEMS, NOW + 60 * DAY).row(0, named=True)
    assert (expired["due"], expired["revision"], expired["how_found"]) == (
        "expired",
        "7",
        "imdb_id",
    )


def test_text_is_given_up_only_after_missing_twice(store):
    write(store, "ok", body="b")
    write(store, "missing", NOW + DAY)
    assert bodies(store) == {1: "b"}
    assert due(store, NOW + 2 * DAY)[1] == "vanished"
    write(store, "missing", NOW + 2 * DAY)
    assert bodies(store) == {}
    assert 1 not in due(store, NOW + 10 * DAY)
    assert due(store, NOW + 22 * DAY)[1] == "missing"
    write(store, "ok", NOW + 22 * DAY, body="back")
    assert bodies(store) == {1: "back"}


def test_another_id_makes_the_stored_answer_void(store):
    write(store, "ok", body="of film 1")
    corrected = ITEMS.with_columns(key=pl.lit("tmdb:9"))
    assert due(store, NOW, corrected)[1] == "new"
    assert bodies(store, corrected) == {}


def test_the_change_feed_makes_an_item_due_until_it_is_fetched(store):
    write(store, "ok", body="b", url="u1")
    write(store, "ok", item_id=2, body="b", url="u2")
    store.note_changes(["u1"], NOW + DAY)
    assert store.asked_until == NOW + DAY
    assert due(store, NOW + DAY) == {1: "changed"}
    write(store, "ok", NOW + DAY + timedelta(seconds=1), body="c", url="u1")
    assert due(store, NOW + 2 * DAY) == {}


def test_bodies_are_forgotten_when_they_may_not_be_kept(tmp_path):
    store = RawStore(Lake(tmp_path), "tmdb")
    with store.writer(pl.Int64()) as writer:  # one segment each, if they share a shard
        writer.add(item_id=1, key="tmdb:1", status="ok", fetched_at=NOW, body="old")
        writer.add(item_id=1, key="tmdb:1", status="ok", fetched_at=NOW + 90 * DAY, body="new")
        writer.add(item_id=2, key="tmdb:2", status="ok", fetched_at=NOW, body="old")
    assert store.forget(180 * DAY, NOW + 180 * DAY) == 0
    assert store.forget(180 * DAY, NOW + 181 * DAY) == 2
    assert bodies(store) == {1: "new"}
    assert due(store, NOW + 91 * DAY) == {2: "new"}
    assert b"old" not in b"".join(p.read_bytes() for p in tmp_path.rglob("*.parquet"))


def test_a_broken_segment_is_named(store, tmp_path):
    write(store, "ok", body="b")
    segment = next(tmp_path.rglob("*.parquet"))
    segment.write_bytes(b"not Parquet")
    with pytest.raises(RecfeatError, match=segment.name):
        store.current(ITEMS)


def test_rows_are_flushed_while_running_so_that_a_kill_loses_few(store, monkeypatch):
    monkeypatch.setattr("recfeat_pipeline.text.raw.FLUSH_ROWS", 2)
    with store.writer(pl.Int64()) as writer:
        for item_id in (1, 2, 1):
            writer.add(item_id=item_id, key=f"tmdb:{item_id}", status="failed")
        assert set(due(store, datetime.now(UTC)).values()) == {"failed"}  # two are on disk


class Slow(Source):
    name, order, attribution, address, switch = "slow", 0, "", "", ""

    def __init__(self, meanwhile=lambda: None):
        self.asked, self.meanwhile = [], meanwhile

    @classmethod
    def from_settings(cls, settings):
        return cls()

    async def _ask(self, job):
        for item in job.due.iter_rows(named=True):
            self.meanwhile()
            self.asked.append(item["item_id"])
            job.record(item, "ok", body=item["title"])
            job.writer.flush()

    fields = evidence = None


Slow.__abstractmethods__ = frozenset()
FILMS = pl.DataFrame(
    {"item_id": [1, 2, 3], "title": ["One", "Two", "Three"], "year": [1990] * 3,
     "imdb_id": ["", "", ""], "tmdb_id": [1, 2, 3]}
)  # fmt: skip


def test_two_machines_do_not_ask_for_the_same_items(machine, monkeypatch):
    monkeypatch.setattr(leases, "LOOK_AGAIN", 0.01)
    begun, other = threading.Event(), Slow()
    first = Slow(meanwhile=lambda: begun.set() or time.sleep(0.02))
    stores = [source.store(machine(name)) for name, source in (("a", first), ("b", other))]
    here = threading.Thread(target=first.scrape, args=(FILMS, stores[0]))
    here.start()
    assert begun.wait(10)
    other.scrape(FILMS, stores[1])
    here.join()
    assert sorted(first.asked) == [1, 2, 3]
    assert other.asked == []


def test_a_machine_that_was_taken_for_dead_stops_and_what_was_answered_is_kept(
    machine, monkeypatch
):
    monkeypatch.setattr(leases, "BEAT_S", 0.01)
    monkeypatch.setattr(leases, "TTL_S", 0.0)
    store, there = Slow().store(machine("a")), machine("b")
    shard = str(shard_of([1], 16)[0])

    def suspended() -> None:
        """Others have looked twice, and there was no beat between."""
        monkeypatch.setattr(leases, "is_still", lambda *_: True)
        with there.lease(f"raw-slow-{shard}"):
            [lease] = store._held
            lease._heart.join()

    with pytest.raises(RecfeatError, match="has taken over 'raw-slow-"):
        Slow(suspended).scrape(FILMS.head(1), store)
    assert store.lake.read("raw", source="slow")["item_id"].to_list() == [1]
    assert store._held == []


def test_rows_are_kept_when_the_block_raises(store):
    def interrupted():
        with store.writer(pl.Int64()) as writer:
            writer.add(item_id=1, key="tmdb:1", status="ok", body="b", fetched_at=NOW)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert bodies(store) == {1: "b"}


def test_many_small_segments_are_merged(store):
    for i in range(COMPACT_ABOVE + 2):
        write(store, "ok", NOW + i * DAY, body=str(i))
    shard = shard_of([1], store.lake.n_shards)[0]
    assert len(store.lake.glob(f"raw/tmdb/shard={shard}/*.replaces.json")) == 1
    assert store.history(ITEMS.filter(item_id=1)).height == COMPACT_ABOVE + 2
    assert bodies(store) == {1: str(COMPACT_ABOVE + 1)}


def test_text_ids_work(tmp_path):
    store = RawStore(Lake(tmp_path), "wikipedia")
    items = pl.DataFrame({"item_id": ["a/../b", "c"], "key": ["imdb:tt1", "imdb:tt2"]})
    with store.writer(pl.String()) as writer:
        writer.add(item_id="a/../b", key="imdb:tt1", status="ok", body="b")
    assert bodies(store, items) == {"a/../b": "b"}
    assert not list(tmp_path.rglob("b*"))  # an id is never a path


def test_missing_answers_of_one_day_do_not_all_expire_in_one(tmp_path):
    store = RawStore(Lake(tmp_path), "tmdb", Policy(missing=20 * DAY))
    items = pl.DataFrame({"item_id": range(200)}).with_columns(key=pl.format("tmdb:{}", "item_id"))
    with store.writer(pl.Int64()) as writer:
        for row in items.iter_rows(named=True):
            writer.add(**row, status="missing", fetched_at=NOW)
    later = [store.plan(items, NOW + days * DAY).height for days in (9, 12, 15, 18, 20)]
    assert later[0] == 0
    assert later[-1] == 200
    assert all(20 < more - less < 80 for less, more in itertools.pairwise(later[:-1]))
