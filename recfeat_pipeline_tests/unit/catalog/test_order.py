"""Times and positions: what is read, asked, and said of the order."""

import pytest

from recfeat_pipeline.catalog.check import check_catalog
from recfeat_pipeline.catalog.corpus import build_corpus
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline_tests.unit.catalog.conftest import FILES

TOML = FILES["catalog.toml"]
POSITION = TOML.replace('timestamp = "at"', 'position = "at"')


def log(*times: str) -> str:
    pairs = [(u, i) for u in range(20) for i in (1, 2, 3)]
    rows = (f"{u},{i},4,{times[n % len(times)]}\n" for n, (u, i) in enumerate(pairs))
    return "who,what,stars,at\n" + "".join(rows)


@pytest.mark.parametrize("toml", [TOML, POSITION], ids=["timestamp", "position"])
def test_a_column_that_counts_is_an_order_and_no_time(read, toml):
    catalog = read(**{"catalog.toml": toml, "log.csv": log("0", "1", "2")})
    assert catalog.interactions["position"].to_list() == [0, 1, 2] * 20
    assert catalog.interactions["timestamp"].null_count() == 60
    corpus = build_corpus(catalog)
    assert corpus.report["unordered_share"] == 0
    found = check_catalog(catalog, corpus)
    assert not [w for w in found.warnings if "1970" in w or "no time" in w]
    said = [n.message for n in catalog.notes]
    assert said == ([] if toml is POSITION else [
        "log.csv: 'at' counts rather than tells the time; read as the order of a user's events "
        "(name it `position`)"
    ])  # fmt: skip


def test_early_times_that_do_not_count_stay_times(read):
    catalog = read(**{"log.csv": log("10", "20", "40")})
    assert catalog.interactions["timestamp"].to_list()[:3] == [10, 20, 40]
    assert catalog.interactions["position"].null_count() == 60


def test_a_position_that_cannot_be_read_is_no_position(read):
    catalog = read(**{"catalog.toml": POSITION, "log.csv": log("0", "1", "x")})
    assert [(n.kind, n.count) for n in catalog.notes] == [("unparsable_position", 20)]
    assert catalog.interactions["position"].to_list()[:3] == [0, 1, None]


def test_seconds_and_milliseconds_in_one_column_are_told_apart_by_row(read):
    catalog = read(**{"log.csv": log("1600000000", "1600000001000", "1600000002")})
    assert catalog.interactions["timestamp"].to_list()[:3] == [1600000000, 1600000001, 1600000002]
    assert "20 times are in milliseconds" in catalog.notes[0].message


@pytest.mark.parametrize(
    ("times", "formats"),
    [
        (("03/04/2021", "25/12/2021"), ('"%d/%m/%Y"', '"%m/%d/%Y"')),
        (("3.4.21", "4.5.21"), ('"%d.%m.%y"', '"%m.%d.%y"')),
        (("03/04/2021 18:05", "04/04/2021 18:05"), ('"%d/%m/%Y %H:%M"', '"%m/%d/%Y %H:%M"')),
    ],
)
def test_day_or_month_first_is_asked_and_never_guessed(read, times, formats):
    with pytest.raises(RecfeatError) as error:
        read(**{"log.csv": log(*times)})
    assert f"log.csv, line 2, column 'at': {times[0]!r} may begin with the day" in str(error.value)
    for date_format in formats:
        assert f"date_format = {date_format}" in str(error.value)
        toml = TOML.replace('timestamp = "at"', f'timestamp = "at"\ndate_format = {date_format}')
        try:
            catalog = read(**{"catalog.toml": toml, "log.csv": log(*times)})
        except RecfeatError:  # half of them have no 25th month
            continue
        seconds = catalog.interactions["timestamp"].drop_nulls()
        assert seconds.is_between(1_600_000_000, 1_700_000_000).all()


def test_dates_alone_cannot_say_which_event_is_last(read):
    dated = log("2021-01-01", "2021-01-02", "2021-01-02")
    toml = TOML + 'split = "leave_one_out"\n'
    catalog = read(**{"catalog.toml": toml, "log.csv": dated})
    warnings = check_catalog(catalog, build_corpus(catalog)).warnings
    assert any("Times are dates alone, and 100% of what is left out" in w for w in warnings)
    finer = dated.replace("2021-01-02", "2021-01-02T10:00")
    catalog = read(**{"catalog.toml": toml, "log.csv": finer})
    warnings = check_catalog(catalog, build_corpus(catalog)).warnings
    assert not any("dates alone" in w for w in warnings)
    assert any("100% of test events share their time" in w for w in warnings)


def test_a_split_that_trains_on_others_later_events_is_said(read):
    toml = TOML.replace('timestamp = "at"', 'timestamp = "at"\nsplit = "part"')
    head, *rows = log("1000", "2000", "3000").splitlines()
    parts = ("train", "valid", "test")
    split = "".join(f"{row},{parts[n % 3]}\n" for n, row in enumerate(rows))
    later = split.replace("0,1,4,1000,train", "0,1,4,2500,train").replace(
        "0,2,4,2000", "0,2,4,2600"
    )

    def warnings(body):
        catalog = read(**{"catalog.toml": toml, "log.csv": f"{head},part\n{body}"})
        return check_catalog(catalog, build_corpus(catalog)).warnings

    assert not any("of others" in w for w in warnings(split))
    assert any("held-out events are earlier than the last training event of others" in w
               for w in warnings(later))  # fmt: skip
