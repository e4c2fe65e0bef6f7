import base64

import polars as pl
import pytest

from recfeat_pipeline.report import formats


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (formats.metric(0.11551), ".1155"),
        (formats.metric(1.0), "1.0000"),
        (formats.metric(-0.5), "−.5000"),
        (formats.metric(None), "–"),
        (formats.metric(float("nan")), "–"),
        (formats.signed(0.0034), "+.0034"),
        (formats.signed(-0.0021), "−.0021"),
        (formats.change(0.0304), "+3.0\u00a0%"),
        (formats.change(0.6349), "+63\u00a0%"),
        (formats.change(-0.011), "−1.1\u00a0%"),
        (formats.percent(0.125), "12.5\u00a0%"),
        (formats.interval(-0.011, 0.042, of_change=True), "[−1.1\u00a0%, +4.2\u00a0%]"),
        (formats.interval(None, 0.1), "–"),
        (formats.count(1234567), "1,234,567"),
        (formats.plural(1, "seed"), "1 seed"),
        (formats.plural(5, "seed"), "5 seeds"),
        (formats.dollars(0), "$0"),
        (formats.dollars(0.00421), "$0.0042"),
        (formats.dollars(18.2), "$18.20"),
        (formats.dollars(1204.4), "$1,204"),
        (formats.duration(42.0), "42 s"),
        (formats.duration(600), "10 min"),
        (formats.duration(7500), "2 h 05 min"),
        (formats.p_value(0.0004), "< .001"),
        (formats.p_value(0.0321), ".032"),
        (formats.p_value(1.0), "1.000"),
        (formats.correlation(0.598), ".60"),
        (formats.correlation(-0.2), "−.20"),
        (formats.words("small_town"), "small town"),
    ],
)
def test_numbers_are_written_as_the_field_writes_them(text, expected):
    assert text == expected


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-cmd", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_that_a_spreadsheet_would_run_is_quoted(cell):
    text = formats.csv_text(pl.DataFrame({"title": [cell]}))
    assert text.splitlines()[1].lstrip('"').startswith("'")


def test_numbers_and_harmless_text_stay_as_they_are():
    frame = pl.DataFrame({"title": ["Alien (1979)"], "delta": [-0.5], "tags": [["a", "b"]]})
    assert formats.csv_text(frame) == "title,delta,tags\nAlien (1979),-0.5,a; b\n"


def test_a_list_cannot_smuggle_a_formula_in():
    assert "'=1+1; b" in formats.csv_text(pl.DataFrame({"tags": [["=1+1", "b"]]}))


def test_the_data_uri_holds_the_csv():
    uri = formats.csv_uri(pl.DataFrame({"title": ["Amélie"]}))
    head, _, body = uri.partition(",")
    assert head == "data:text/csv;charset=utf-8;base64"
    assert base64.b64decode(body).decode("utf-8-sig") == "title\nAmélie\n"
