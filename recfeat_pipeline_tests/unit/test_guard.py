"""What a day may bring, and what somebody decides about one that brought more."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from recfeat_pipeline.added import add_item, keep_left
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.guard import Day, check, decide, rejected_windows, suspicions, suspicious
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import CATALOG_ITEMS
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text.documents import build_documents

N = 50


def day(texts=None, titles=None, n=N, rules="r", others=None) -> Day:
    texts = texts or [f"The story of number {i}, told at some length." for i in range(n)]
    titles = titles or [f"Film {i}" for i in range(n)]
    ids = list(range(n))
    items = pl.DataFrame({"item_id": ids, "title": titles}, schema_overrides={"title": pl.String})
    fields = pl.DataFrame({"item_id": ids, "label": ["Plot"] * n, "text": texts})
    return Day(items, fields, rules, others)


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (day(), None),
        (day(n=40), None),  # a fall of a fifth
        (day(n=20), "items fell from 50 to 20"),
        (day(texts=[""] * N), "items with Plot fell from 50 to 0"),
        (day(texts=["Soon."] * N), "distinct texts of Plot fell from 50 to 1"),
        (day(titles=[None] * N), "items with a title fell from 50 to 0"),
        (day(titles=["Film"] * N), "distinct titles fell from 50 to 1"),
        (day(texts=[f"Another tale altogether, of {i}, as long." for i in range(N)]),
         "the text of 50 of 50 items changed"),
        (day(others={"interactions": 10}), "interactions fell from 100 to 10"),
        (day(texts=[""] * N, rules="another catalogue file"), None),
    ],
)  # fmt: skip
def test_a_day_is_held_against_the_one_before(after, found):
    reasons, examples = suspicions(day(others={"interactions": 100}), after, 0.3, 0.3)
    if found is None:
        assert not [r for r in reasons if "interactions" not in r]
    else:
        assert found in reasons
        assert len(examples) <= 3


def test_a_small_catalogue_may_change_as_it_likes():
    assert suspicions(day(n=19), day(n=2), 0.3, 0.3) == ([], [])


def run(lake: Lake, after: Day) -> bool:
    return check(lake, "documents", day(), after, Settings())


def test_a_bad_day_waits_for_a_decision_and_clears_itself(tmp_path):
    lake, bad = Lake(tmp_path), day(texts=[""] * N)
    assert run(lake, day())
    with pytest.raises(RecfeatError, match="`recfeat text reject`"):
        run(lake, bad)
    assert suspicious(lake).keys() == {"documents"}
    assert run(lake, day())
    assert suspicious(lake) == {}


def test_an_accepted_day_is_written(tmp_path):
    lake, bad = Lake(tmp_path), day(texts=[""] * N)
    with pytest.raises(RecfeatError):
        run(lake, bad)
    decide(lake, "documents", "accepted")
    assert run(lake, bad)


def test_accepting_one_day_is_not_accepting_a_worse_one(tmp_path):
    lake = Lake(tmp_path)
    with pytest.raises(RecfeatError):
        run(lake, day(texts=["Soon."] * 30 + [f"Number {i}, told at length." for i in range(20)]))
    decide(lake, "documents", "accepted")
    with pytest.raises(RecfeatError, match="items with Plot fell from 50 to 0"):
        run(lake, day(texts=[""] * N))


def test_a_rejected_day_is_left_aside_and_its_answers_are_void(tmp_path):
    lake, bad = Lake(tmp_path), day(texts=[""] * N)
    assert run(lake, day())
    with pytest.raises(RecfeatError):
        run(lake, bad)
    decide(lake, "documents", "rejected")
    assert run(lake, bad) is False
    ((after, until),) = rejected_windows(lake)
    assert after < until <= datetime.now(UTC)
    with pytest.raises(RecfeatError):
        run(lake, day(texts=["Soon."] * N))  # another bad day is told of


def missing(n: int) -> Day:
    """A day on which so many items have lost their text."""
    texts = [f"The story of number {i}, told at some length." for i in range(N)]
    return day(texts=[""] * n + texts[n:])


def follow(lake: Lake, days: list[int], settings: Settings) -> list[bool]:
    """Days with so many texts missing, each held against the one before that was written."""
    stored, written = day(), []
    for n in days:
        try:
            ok = check(lake, "documents", stored, missing(n), settings)
        except RecfeatError:
            ok = False
        stored = missing(n) if ok else stored
        written.append(ok)
    return written


DRIP = [0, 4, 8, 12, 16]  # a twelfth a day; the last makes it more than 30 %


def test_a_slow_drip_adds_up(tmp_path):
    lake = Lake(tmp_path)
    assert follow(lake, DRIP, Settings()) == [True, True, True, True, False]
    (found,) = [line for line in suspicious(lake)["documents"]["found"] if "items with" in line]
    assert found.startswith("items with Plot fell bit by bit, from 50 on ")
    assert found.endswith(" to 34")


def test_falls_that_lie_farther_apart_do_not_add_up(tmp_path):
    assert all(follow(Lake(tmp_path), DRIP, Settings(guard_days=0)))


def test_an_accepted_drip_is_the_new_height(tmp_path):
    lake = Lake(tmp_path)
    follow(lake, DRIP, Settings())
    decide(lake, "documents", "accepted")
    assert check(lake, "documents", missing(12), missing(16), Settings())
    assert check(lake, "documents", missing(16), missing(16), Settings())


def test_a_rejected_drip_is_void_since_its_peak_and_heals(tmp_path):
    lake = Lake(tmp_path)
    follow(lake, [0], Settings())
    peak = lake.read_note("believed", stage="documents")["at"]
    follow(lake, DRIP[1:], Settings())
    decide(lake, "documents", "rejected")
    ((after, _),) = rejected_windows(lake)
    assert after.isoformat() == peak
    assert check(lake, "documents", missing(12), missing(16), Settings()) is False
    # the last good texts come back, at once and for more than may change in a day
    assert check(lake, "documents", missing(20), day(), Settings())


def test_an_item_that_left_is_kept_until_its_time_is_over(tmp_path):
    lake, now = Lake(tmp_path), datetime(2026, 1, 1, tzinfo=UTC)
    listed = pl.DataFrame({"item_id": [1, 2], "title": ["A", "B"]})
    items = pl.DataFrame(listed.to_dicts(), schema=CATALOG_ITEMS)
    no_fields = pl.DataFrame(schema={"item_id": pl.Int64, "source": pl.String, "label": pl.String,
                                     "position": pl.Int32, "text": pl.String})  # fmt: skip
    for item in listed.iter_slices(1):
        add_item(lake, item, build_documents(item, no_fields))
    lake.drop("added")
    lake.write("catalog_items", items)
    fewer = items.filter(item_id=1)
    keep_left(lake, fewer, timedelta(days=30), now)
    lake.write("catalog_items", fewer)
    assert lake.read("left")["item_id"].to_list() == [2]
    assert lake.read("added")["item_id"].to_list() == [2]
    keep_left(lake, fewer, timedelta(days=30), now + timedelta(days=29))
    assert 2 in lake.read("documents")["item_id"]
    keep_left(lake, fewer, timedelta(days=30), now + timedelta(days=30))
    assert lake.read("documents")["item_id"].to_list() == [1]
    assert lake.read("added").is_empty()
    assert not lake.has("left"), "else the catalogue is read again for ever"
