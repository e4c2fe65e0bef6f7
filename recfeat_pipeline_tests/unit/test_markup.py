"""HTML in what people wrote: never counted, hashed, fed or shown; kept as it is in the lake."""

import polars as pl
import pytest

from recfeat_pipeline.catalog.check import check_catalog
from recfeat_pipeline.catalog.corpus import build_corpus
from recfeat_pipeline.catalog.files import read_files
from recfeat_pipeline.rendering import without_markup
from recfeat_pipeline.text.documents import build_documents
from recfeat_pipeline_tests.unit.catalog.conftest import FILES


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<p>Soft &amp; <b>warm</b></p>", " Soft & warm "),
        ("one<br/>two", "one two"),
        ("a<script>alert('x < y')</script>b", "a b"),
        ("a<style type='x'>p { color: red }</style>b", "a b"),
        ("a<!-- hidden -->b", "a b"),
        ("caf&eacute; &#233; &#xe9;", "café é é"),
        ("&lt;b&gt; stays a word", "<b> stays a word"),
        ("1 < 2 and 3 > 2, R&B, AT&T; <3", "1 < 2 and 3 > 2, R&B, AT&T; <3"),
        ("<script>never closed", " "),
        ("plain", "plain"),
        (None, None),
    ],
)
def test_tags_entities_and_scripts_go_and_words_stay(text, plain):
    found = without_markup(pl.Series(["other", text], dtype=pl.String))
    assert found.to_list() == ["other", plain]


def test_a_catalogue_with_html_is_read_whole_and_fed_without(tmp_path):
    html = "<div>A <i>quiet</i> plot &amp; more</div>"
    files = FILES | {"items.csv": f"id,name,kinds,plot\n1,Tom &amp; Jerry,,{html}\n2,Beta,,\n"}
    for name, content in files.items():
        (tmp_path / name).write_text(content.replace("8,3,5,2500\n", ""))
    catalog = read_files(tmp_path / "catalog.toml")
    fields = catalog.fields.filter(item_id=1)
    assert fields.filter(label="Plot")["text"].to_list() == [html], "the lake keeps it as it is"
    assert catalog.items["title"][0] == "Tom & Jerry"
    assert [n.message for n in catalog.notes] == [
        "items.csv: 1 texts hold HTML; its tags are never fed"
    ]
    [document] = build_documents(catalog.items.head(1), fields)["text"]
    assert "Plot: A quiet plot & more" in document
    found = check_catalog(catalog, build_corpus(catalog))
    lengths = dict(found.fields.select("label", "median_characters").iter_rows())
    assert lengths["Plot"] == len(" A quiet plot & more ")
