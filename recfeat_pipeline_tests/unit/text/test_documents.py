"""What a prompt sees of an item."""

import hashlib
import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.rendering import cut, render, without_surrogates
from recfeat_pipeline.schemas import DOCUMENTS
from recfeat_pipeline.text.documents import build_documents


def items(*titles, **columns):
    ids = range(1, len(titles) + 1)
    return pl.DataFrame({"item_id": ids, "title": pl.Series(titles, dtype=pl.String), **columns})


def fields(*rows):
    """``(item_id, label, text[, source])`` in document order."""
    return pl.DataFrame(
        [
            (row[0], row[3] if len(row) > 3 else "catalog", row[1], position, row[2])
            for position, row in enumerate(rows)
        ],
        schema={
            "item_id": pl.Int64,
            "source": pl.String,
            "label": pl.String,
            "position": pl.Int32,
            "text": pl.String,
        },
        orient="row",
    )


def text_of(*rows, title="Alien (1979)"):
    return build_documents(items(title), fields(*rows))["text"][0]


def apply_cut(text, limit):
    return pl.DataFrame({"t": [text]}).select(cut(pl.col("t"), limit))["t"][0]


def test_a_document_is_a_title_line_and_a_line_per_field_in_order():
    frame = build_documents(
        items("Alien (1979)", "Heat (1995)"),
        fields((1, "Genres", "Horror"), (2, "Genres", "Crime"), (1, "Plot", "A crew wakes.")),
    )
    assert frame["text"].to_list() == [
        "Title: Alien (1979)\nGenres: Horror\nPlot: A crew wakes.",
        "Title: Heat (1995)\nGenres: Crime",
    ]
    assert frame.schema == pl.Schema(DOCUMENTS)
    first = frame["text"][0]
    assert frame["content_hash"][0] == hashlib.sha256(first.encode()).hexdigest()
    assert frame["n_chars"][0] == len(first)


def test_an_item_without_text_keeps_its_title_and_its_place():
    frame = build_documents(items("A (2000)", "B (2001)"), fields((2, "Plot", "x")))
    assert frame["text"].to_list() == ["Title: A (2000)", "Title: B (2001)\nPlot: x"]
    assert frame["fields"].list.len().to_list() == [0, 1]


def test_no_items():
    assert build_documents(items("A").clear(), fields()).schema == pl.Schema(DOCUMENTS)


@pytest.mark.parametrize(
    ("title", "year", "shown"),
    [
        ("Alien", 1979, "Alien (1979)"),
        ("Alien (1979)", 1979, "Alien (1979)"),
        ("Alien (1979)", None, "Alien (1979)"),
        ("Alien", None, "Alien"),
        ("1984", 1984, "1984 (1984)"),
        ("Brazil (Director's cut)", 1985, "Brazil (Director's cut) (1985)"),
        (None, 1979, "Item 1 (1979)"),
        ("  ", None, "Item 1"),
        ("A\nB", None, "A B"),
    ],
)
def test_the_title_carries_its_year(title, year, shown):
    catalogue = items(title, year=pl.Series([year], dtype=pl.Int32))
    assert build_documents(catalogue, fields())["title"][0] == shown


def test_of_several_sources_the_first_with_text_wins_and_is_named():
    rows = [
        (1, "Plot", "from wikipedia", "wikipedia"),
        (1, "Plot", "from tmdb", "tmdb"),
        (1, "Plot", "  ", "catalog"),
        (1, "Plot", "from elsewhere", "blog"),
    ]
    frame = build_documents(items("A"), fields(*rows))
    assert frame["text"][0] == "Title: A\nPlot: from tmdb"
    assert frame["fields"][0].to_list() == [
        {"label": "Plot", "source": "tmdb", "text": "from tmdb"}
    ]


@pytest.mark.parametrize(
    "label", ["Revenue", "Gross revenue", "Box office", "Popularity", "Vote count", "Votes"]
)
def test_what_sold_is_never_fed(label):
    frame = build_documents(items("A"), fields((1, label, "$1,000,000"), (1, "Budget", "$5")))
    assert frame["text"][0] == "Title: A\nBudget: $5"
    assert frame["fields"][0].struct.field("label").to_list() == ["Budget"]


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two…"),
        ("one two three", 9, "one two…"),
        ("one two three", 8, "one two…"),
        ("one two three", 7, "one…"),
        ("one, two three", 6, "one…"),
        ("unbroken", 5, "unbr…"),
        ("日本語のテキスト", 4, "日本語…"),
        ("", 5, ""),
        ("A, B, C", "2 names", "A, B"),
        ("A, B, C", "8 names", "A, B, C"),
    ],
)
def test_a_cut_ends_at_a_word(text, limit, expected):
    assert apply_cut(text, limit) == expected


@given(st.text(st.characters(codec="utf-8"), max_size=60), st.integers(1, 40))
def test_a_cut_is_never_longer_than_its_limit_and_a_beginning(text, limit):
    out = apply_cut(text, limit)
    assert len(out) <= limit or out == text
    assert text.startswith(out.removesuffix("…").rstrip()) or out == text


def test_the_default_cuts():
    words = "word " * 1000
    document = text_of((1, "Plot", words), (1, "Reception", words), (1, "Awards", words))
    lengths = {line.split(":")[0]: len(line.split(": ")[1]) for line in document.split("\n")[1:]}
    assert 1490 <= lengths["Plot"] <= 1500
    assert 590 <= lengths["Reception"] <= 600
    assert 590 <= lengths["Awards"] <= 600
    cast = text_of((1, "Cast", ", ".join(f"N{i}" for i in range(20))))
    assert cast.endswith("Cast: N0, N1, N2, N3, N4, N5, N6, N7")


@pytest.mark.parametrize("limit", ["0", "many", "8 people", "-1", "1.5"])
def test_a_cut_that_is_no_cut_is_refused(limit):
    with pytest.raises(RecfeatError, match="neither a number of characters"):
        apply_cut("x", limit)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a\x00b\x1b[31mc", "ab[31mc"),
        ("a\r\n\t b\u2028c\xa0d", "a b c d"),
        ("e\u0301", "é"),
        ("\ufeffa\u200bb\u202ec\u2066d", "abcd"),
        ("hi\U000e0041\U000e0042", "hi"),  # letters that nobody sees
        ("می\u200cخواهم", "می\u200cخواهم"),  # the joiner is spelling
        ("👩\u200d🚀", "👩\u200d🚀"),
    ],
)
def test_text_is_cleaned(raw, clean):
    assert text_of((1, "Plot", raw)) == f"Title: Alien (1979)\nPlot: {clean}"


@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_no_text_can_add_a_line_or_pose_as_another_field(raw):
    document = text_of((1, "Plot", f"x{raw}x"))
    assert len(document.splitlines()) == 2
    assert document == unicodedata.normalize("NFC", document)


def test_labels_are_text_too():
    assert text_of((1, "Pl\not: ", "x")) == "Title: Alien (1979)\nPl ot: x"
    assert text_of((1, "Title", "Another")) == "Title: Alien (1979)"


def test_lone_surrogates_are_replaced_before_polars_sees_them():
    assert without_surrogates("a\ud800b🎬") == "a\ufffdb🎬"


def test_whole_text_is_kept_for_other_cuts():
    long = "word " * 1000
    frame = build_documents(items("A (2000)"), fields((1, "Plot", long), (1, "Overview", "short")))
    assert len(frame["fields"][0].struct.field("text")[0]) == 4999
    assert render(frame, {"Plot": 14, "*": 100})[0] == (
        "Title: A (2000)\nPlot: word word…\nOverview: short"
    )
    assert render(frame, {}, labels=["Overview"], title=False)[0] == "Overview: short"
    assert render(frame, {}, labels=[])[0] == "Title: A (2000)"
    assert render(frame, {}, labels=[], title=False)[0] == "(no text)"


def test_rendering_with_the_default_cuts_is_the_document():
    frame = build_documents(items("A", "B"), fields((1, "Plot", "p " * 900), (2, "Cast", "x, y")))
    assert render(frame).to_list() == frame["text"].to_list()


def test_reviews_are_shown_only_by_a_version_that_names_them():
    fields = [
        {"label": "Plot", "source": "catalog", "text": "A walk."},
        {"label": "Reviews", "source": "tmdb", "text": "Slow. Rich."},
    ]
    documents = pl.DataFrame({"title": ["Dusk"], "fields": [fields]})
    assert render(documents).to_list() == ["Title: Dusk\nPlot: A walk."]
    assert render(documents, {"Reviews": 1500}).to_list() == [
        "Title: Dusk\nPlot: A walk.\nReviews: Slow. Rich."
    ]
    assert render(documents, labels=["Reviews"]).to_list() == ["Title: Dusk\nReviews: Slow. Rich."]
