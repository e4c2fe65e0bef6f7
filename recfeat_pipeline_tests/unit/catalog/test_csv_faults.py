"""Any fault in a CSV file is an error that names its line, or a count; never a wrong reading."""

import csv
import io

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recfeat_pipeline.catalog.clean import MAX_TIMESTAMP
from recfeat_pipeline.catalog.files import read_files
from recfeat_pipeline.errors import RecfeatError

TOML = """
name = "random"
[items]
path = "items.csv"
id = "id"
title = "title"
[interactions]
path = "log.csv"
user = "user"
item = "item"
rating = "rating"
timestamp = "at"
"""
HEADER = ["user", "comment", "item", "rating", "at"]
ITEMS = range(1, 6)
FOLDER_IS_REUSED = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

comment = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=8)
row = st.tuples(
    st.integers(1, 10**9),
    comment,
    st.sampled_from(ITEMS),
    st.one_of(st.none(), st.sampled_from([0.5, 3.0, 5.0])),
    st.one_of(st.none(), st.integers(1, 10**9)),
)
rows = st.lists(row, min_size=4, max_size=12, unique_by=lambda r: (r[0], r[2]))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "catalog.toml").write_text(TOML)
    (tmp_path / "items.csv").write_text("id,title\n" + "".join(f"{i},T{i}\n" for i in ITEMS))
    return tmp_path


def written(lines: list[list]) -> bytes:
    """The rows as the csv module writes them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows([["" if value is None else value for value in line] for line in lines])
    return out.getvalue().encode()


def line_of(lines: list[list], row_number: int) -> int:
    """The line a row starts on: one for the header, and those that quoted values span."""
    return 2 + written(lines[:row_number]).count(b"\n") - 1


def read(folder, data: bytes):
    (folder / "log.csv").write_bytes(data)
    return read_files(folder / "catalog.toml")


def expected(lines: list[list]) -> list[tuple]:
    return [(user, item, rating, at, None) for user, _, item, rating, at in lines]


@FOLDER_IS_REUSED
@given(rows)
def test_what_is_written_is_read(folder, lines):
    catalog = read(folder, written(lines))
    assert catalog.interactions.drop("position").rows() == expected(lines)
    assert catalog.notes == ()


VALUE_FAULTS = [  # column, bad value, the note it makes
    (0, None, "interactions_without_id"),
    (2, None, "interactions_without_id"),
    (2, 99, "unknown_items"),
    (2, "x", "unknown_items"),
    (3, "good", "unparsable_rating"),
]


@FOLDER_IS_REUSED
@given(rows, st.data())
def test_a_bad_value_costs_its_row_and_is_counted_with_its_line(folder, lines, data):
    spoiled = data.draw(st.integers(0, len(lines) - 1))
    column, value, kind = data.draw(st.sampled_from(VALUE_FAULTS))
    damaged = [list(line) for line in lines]
    damaged[spoiled][column] = value
    catalog = read(folder, written(damaged))
    assert catalog.interactions.drop("position").rows() == expected(
        lines[:spoiled] + lines[spoiled + 1 :]
    )
    line = f"line {line_of(damaged, spoiled)}"
    assert [(n.kind, n.count, n.examples) for n in catalog.notes] == [(kind, 1, (line,))]


@FOLDER_IS_REUSED
@given(rows, st.data())
def test_a_row_of_another_width_is_an_error_with_its_line(folder, lines, data):
    spoiled = data.draw(st.integers(0, len(lines) - 1))
    width = data.draw(st.sampled_from([2, 4, 6]))
    damaged = [list(line) for line in lines]
    damaged[spoiled] = (damaged[spoiled] + ["more"])[:width]
    with pytest.raises(
        RecfeatError, match=rf"log\.csv, line {line_of(damaged, spoiled)}: {width} "
    ):
        read(folder, written(damaged))


@FOLDER_IS_REUSED
@given(rows, st.data())
def test_bytes_that_are_not_utf8_are_an_error_with_their_line(folder, lines, data):
    spoiled = data.draw(st.integers(0, len(lines) - 1))
    damaged = [[user, "plain", *rest] for user, _, *rest in lines]
    damaged[spoiled][0] = "MARK"
    with pytest.raises(RecfeatError, match=rf"line {spoiled + 2}: the text is not UTF-8"):
        read(folder, written(damaged).replace(b"MARK", b"caf\xe9"))


@FOLDER_IS_REUSED
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_read_or_refused(folder, noise):
    header = ",".join(HEADER).encode() + b"\n1,,1,5,9\n"
    try:
        catalog = read(folder, header + noise)
    except RecfeatError:
        return
    assert catalog.interactions["item_id"].is_in(list(ITEMS)).all()
    assert catalog.interactions["timestamp"].is_between(1, MAX_TIMESTAMP - 1).fill_null(True).all()
    assert catalog.interactions["rating"].is_finite().fill_null(True).all()
    assert catalog.interactions.select(pl.struct("user_id", "item_id").is_unique().all()).item()
