"""The report as a whole, on a DuckDB file: complete, self-contained, accessible, never broken."""

import base64
import re
from html.parser import HTMLParser

import duckdb
import pytest

from recfeat_pipeline.report import render_report
from recfeat_pipeline.report.figure import PALETTE, Figure
from recfeat_pipeline.report.figures import key_figures
from recfeat_pipeline.report.sections import SECTIONS
from recfeat_pipeline_tests.browser import CHROMIUM, Browser
from recfeat_pipeline_tests.report_store import build_store, provenance

TABLES = [
    "catalog.items",
    "features.item_features",
    "features.genome",
    "features.dimensions",
    "features.documents",
    "metrics.ranking",
    "metrics.contrasts",
    "metrics.agreement",
    "metrics.agreement_intervals",
    "metrics.version_agreement",
    "metrics.probes",
    "metrics.cold_start",
    "metrics.cold_contrasts",
    "metrics.neighbour_overlap",
    "metrics.substitution_ladder",
    "ops.llm_calls",
    "ops.runs",
]
VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Elements with their attributes, the visible text, and whether the nesting is sound."""

    def __init__(self, html: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open, f"unclosed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"stray </{tag}>"
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return build_store(tmp_path_factory.mktemp("report") / "store.duckdb")


@pytest.fixture(scope="module")
def html(store):
    with duckdb.connect(str(store), read_only=True) as connection:
        return render_report(connection, provenance(source="<script>alert('source')</script>"))


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_nothing_is_loaded_and_nothing_runs(page, html):
    assert not {tag for tag, _ in page.elements} & {"script", "link", "iframe", "object", "img"}
    targets = [a[key] or "" for _, a in page.elements for key in ("href", "src") if key in a]
    assert targets
    assert all(t.startswith(("#", "data:text/csv")) for t in targets)
    assert not re.search(r"@import|url\((?!#)", html)
    assert not any(key.startswith("on") for _, attrs in page.elements for key in attrs)


def test_hostile_text_is_shown_as_text(page, html):
    assert "<script>" not in html
    text = "".join(page.text)
    assert "<script>alert('x')</script> & \"Sons\" $5 | 1999" in text  # a title
    assert "<script>alert('source')</script>" in text


def test_every_section_is_there_and_in_the_contents(page):
    anchors = [attrs["id"] for attrs in page.all("section")]
    links = [a["href"] for a in page.all("a")]
    left_out = 4  # no canaries, no reranked requests and no profiles in this store
    assert len(anchors) == len(SECTIONS) - left_out
    assert all(f"#{anchor}" in links for anchor in anchors)


def test_it_can_be_read_without_seeing_it(page):
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    drawings = [a for _, a in page.elements if a.get("role") == "img"]
    assert len(drawings) == len(page.all("svg")) >= 9
    assert all(len(a["aria-label"]) > 40 for a in drawings)
    assert len(page.all("caption")) == len(page.all("table")) >= 7
    assert all(th["scope"] in ("row", "col", "rowgroup") for th in page.all("th"))
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1


def test_every_table_and_figure_can_be_downloaded(page):
    links = [a for a in page.all("a") if "download" in a]
    assert len(links) == len(page.all("table")) + len(page.all("svg"))
    for link in links:
        csv = base64.b64decode(link["href"].partition(",")[2]).decode("utf-8-sig")
        assert len(csv.splitlines()) > 1, link["download"]


def test_both_themes_know_every_colour_of_the_figures(html):
    light, dark, rest = html.split("prefers-color-scheme: dark")[0], *html.split(":root {")[2:4]
    for name in PALETTE:
        assert f"--{name}: {PALETTE[name]}" in light, "the drawing's fallback is the light colour"
        assert f"--{name}:" in dark
        assert f"--{name}:" in rest, "print"


def test_text_colours_have_enough_contrast(html):
    """WCAG 2.1, 1.4.3: 4.5 to 1 for text; 1.4.11: 3 to 1 for what a figure draws."""
    for block in html.split(":root {")[1:4]:
        colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6})\b", block.partition("}")[0]))
        for name, least in [("ink", 7), ("muted", 4.5), ("link", 4.5)]:
            assert contrast(colours[name], colours["paper"]) >= least, name
        for name in ("llm", "curated", "floor", "control", "other"):
            assert contrast(colours[name], colours["paper"]) >= 3, name


def test_an_empty_store_gives_a_page_that_says_so():
    page = Page(render_report(duckdb.connect(), {}))
    text = "".join(page.text)
    assert "there is no comparison yet" in text
    assert "The store has no record of a trained arm." in text
    assert "The ledger holds no calls yet." in text


@pytest.mark.parametrize("missing", TABLES)
def test_a_missing_table_leaves_the_rest_standing(store, missing, monkeypatch):
    monkeypatch.setattr(Figure, "svg", "<svg></svg>")  # drawing takes the time; see the whole page
    page = Page(render_report(copied(store, but=missing), provenance()))
    left_out = {
        "canaries",
        "density",
        "further",
        "pages",
        "probes",
        "reranking",
        "pareto",
    }  # the only ones that have nothing to say without data
    assert len(page.all("section")) >= len(SECTIONS) - len(left_out)


def test_tables_without_rows_are_as_good_as_none(store):
    page = Page(render_report(copied(store, "LIMIT 0"), provenance()))
    assert "there is no comparison yet" in "".join(page.text)
    assert not page.all("svg")


def test_canaries_are_shown_when_there_are_any(store, tmp_path):
    path = tmp_path / "copy.duckdb"
    path.write_bytes(store.read_bytes())
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE metrics.canaries AS SELECT * FROM (VALUES "
            "('floor', 0, 'persona', 'Space fan', 1, 'Heat (1995)'), "
            "('llm', 0, 'persona', 'Space fan', 1, 'Aliens (1986)'), "
            "('llm', 0, 'persona', 'Space fan', 2, 'Solaris (1972)'), "
            "('llm', 1, 'persona', 'Space fan', 1, 'Of another seed'), "
            "('llm', 0, 'similar', 'Heat (1995)', 1, 'Ronin (1998)')) "
            "AS t (arm, seed, kind, name, position, title)"
        )
        text = "".join(Page(render_report(connection, provenance())).text)
    assert "Space fan." in text
    assert "Solaris (1972)" in text
    assert "Of another seed" not in text
    assert "Nearest to Heat (1995)." in text
    assert "Ronin (1998)" in text


def test_cold_items_probes_agreement_and_cost_are_told(page):
    text = " ".join(" ".join(page.text).split())
    assert "No content (C′) .0020 .0020 .0020 .0020 .0020 " in text
    assert "LLM features (B′) − No content (C′) +.0040 [+.0010, +.0070] .030 .060" in text
    assert "LLM scores, rare items as new .0090 .0180 ↑ .0990" in text
    assert "LLM features (B′) 31.0 % [29.0 %, 33.0 %] 373" in text
    assert "genome132-v1 2,400 .58 [.20, .70] +.0030 [+.0010, +.0050] – run" in text
    assert "genome132-v1+first-100 118 – – – not run: no scores of this prompt version" in text
    assert "v1@3f9c2a7b1d04 and other-model@1 .71 [.69, .73] 1,400" in text
    assert "Published study estimate $170.00 – $220.00" in text
    assert "This corpus, gpt-5-mini estimate $4.20" in text
    assert "This run, gpt-5-mini measured" in text


def test_the_published_study_of_films_stands_beside_films_alone(page, tmp_path):
    assert "Published study" in "".join(page.text)
    with duckdb.connect(str(build_store(tmp_path / "store.duckdb"))) as connection:
        connection.execute("UPDATE catalog.items SET imdb_id = NULL, tmdb_id = NULL")
        about = provenance(catalogue="gift cards", source="cards.toml", commands=["recfeat run"])
        text = "".join(Page(render_report(connection, about)).text).lower()
    assert "published study" not in text
    assert "movielens" not in text
    assert "the study" not in text


def test_dagster_gets_the_key_figures(store):
    with duckdb.connect(str(store), read_only=True) as connection:
        names = [figure.name for figure in key_figures(connection, provenance())]
    assert names == ["metric_by_arm", "forest_main", "agreement_histogram"]
    assert key_figures(duckdb.connect()) == []


def copied(store, limit: str = "", but: str = "") -> duckdb.DuckDBPyConnection:
    copy = duckdb.connect()
    copy.execute(f"ATTACH '{store}' AS source (READ_ONLY)")
    for table in TABLES:
        if table != but:
            copy.execute(f"CREATE SCHEMA IF NOT EXISTS {table.partition('.')[0]}")
            copy.execute(f"CREATE TABLE {table} AS FROM source.{table} {limit}")
    copy.execute("DETACH source")
    return copy


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        digits = colour.lstrip("#")
        digits = "".join(2 * d for d in digits) if len(digits) == 3 else digits
        parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_where_features_pay_is_seen_whole_in_a_window_of_1280_pixels(tmp_path):
    with duckdb.connect(str(build_store(tmp_path / "store.duckdb"))) as connection:
        connection.execute(
            "INSERT INTO metrics.contrasts SELECT * REPLACE ('history 1-9' AS slice) "
            "FROM metrics.contrasts WHERE slice = 'TAIL'"
        )
        page = render_report(connection, provenance())
    with Browser() as browser:
        browser.resize(1280, 900)
        (tmp_path / "report.html").write_text(page, encoding="utf-8")
        browser.open((tmp_path / "report.html").as_uri())
        browser.wait_until("document.querySelector('.scroll:has(.worth)') !== null")
        assert browser.run("document.querySelectorAll('.worth thead th').length") == 7
        hidden = browser.run(
            "(() => { const at = document.querySelector('.scroll:has(.worth)');"
            "return at.scrollWidth - at.clientWidth })()"
        )
        assert hidden == 0
