import base64
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import polars as pl
import pytest

from recfeat_pipeline.report import figures
from recfeat_pipeline.report.roles import Roles

HOSTILE = '</svg><script>alert(1)</script> $x$ & "y"'
ROLES = Roles(
    floor="floor",
    llm="llm",
    controls=("random",),
    names={"floor": "No content", "llm": HOSTILE, "random": "Random"},
    sections={"random": "control"},
    order=("floor", "llm", "random"),
)
RANKING = pl.DataFrame(
    [
        ("floor", 0, "all", 0.10, 9),
        ("floor", 1, "all", 0.12, 9),
        ("llm", 0, "all", 0.12, 9),
        ("llm", 1, "all", 0.14, 9),
        ("random", 0, "all", 0.11, 9),
        ("floor", 0, "history 1-9", 0.1, 5),
        ("llm", 0, "history 1-9", 0.05, 5),
        ("llm", 0, "history 50+", 0.1, 1),
    ],
    schema=["arm", "seed", "slice", "value", "n"],
    orient="row",
)
BANDS = {"history 1-9": "1–9", "history 50+": "50+"}
CHANGES = pl.DataFrame(
    [
        ("llm", "history 50+", 0.03, 0.01, 0.05),
        ("llm", "history 1-9", -0.5, None, None),
        ("random", "history 1-9", 0.001, None, None),
    ],
    schema=["arm", "slice", "change", "change_low", "change_high"],
    orient="row",
)
CONTRASTS = pl.DataFrame(
    {
        "arm": ["llm", "random"],
        "reference": ["floor", "floor"],
        "change": [0.18, 0.0],
        "change_low": [0.1, None],
        "change_high": [0.26, None],
    }
)
LADDER = pl.DataFrame(
    {
        "content": ["llm", "curated"],
        "delta": [-0.0021, 0.0004],
        "ci_low": [-0.003, None],
        "ci_high": [-0.001, None],
    }
)
AGREEMENT = pl.DataFrame(
    {
        "version": "v1",
        "group": "tone",
        "dimension": ["dark", "small_town", "funny", "constant"],
        "genome_tags": [["dark"], ["small town"], ["funny"], ["x"]],
        "pearson_r": [0.95, 0.5, -0.15, None],
        "spearman_r": [0.9, 0.5, -0.1, None],
        "n_items": 10,
    }
)
TEXT = pl.DataFrame(
    {"low": [0, 200], "high": [200, None], "n_items": [3, 7], "in_corpus": [True, True]}
)
COST = pl.DataFrame(
    {"group": ["tone", "tone", "themes"], "calls": [1, 1, 1], "cost_usd": [1.0, 2.0, 5.0]}
)


def draw():
    return [
        figures.metric_by_arm(RANKING.filter(slice="all"), ROLES),
        figures.change_by_slice(CHANGES, ROLES, BANDS, "changes", "By history"),
        figures.metric_by_slice(RANKING, ROLES, BANDS, "lines", "By history"),
        figures.forest(CONTRASTS, ROLES),
        figures.substitution_ladder(LADDER, ROLES),
        figures.agreement_histogram(AGREEMENT),
        figures.best_and_worst(AGREEMENT),
        figures.text_lengths(TEXT),
        figures.cost_by_group(COST),
    ]


@pytest.fixture(scope="module")
def drawn():
    return draw()


def test_an_svg_is_well_formed_and_carries_nothing_foreign(drawn):
    for figure in drawn:
        root = ET.fromstring(figure.svg)  # hostile names would break it
        tags = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert not tags & {"script", "style", "metadata", "image"}, figure.name
        assert "http" not in figure.svg
        assert re.match(r'<svg viewBox="[\d. ]+">', figure.svg), figure.name


def test_text_stays_text_and_a_dollar_is_a_dollar(drawn):
    texts = "".join(ET.fromstring(drawn[0].svg).itertext())
    assert HOSTILE in texts


def test_colours_can_be_themed(drawn):
    for figure in drawn:
        colours = re.findall(r"(?:fill|stroke): (#\w+)", figure.svg)
        assert not colours, f"{figure.name} paints {set(colours)} past the theme"
        assert "var(--" in figure.svg


def test_ids_are_unique_across_a_page(drawn):
    ids = [i for figure in drawn for i in re.findall(r'\bid="([^"]+)"', figure.svg)]
    assert len(ids) == len(set(ids)) > 0
    for figure in drawn:
        own = set(re.findall(r'\bid="([^"]+)"', figure.svg))
        used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', figure.svg))
        assert used <= own, figure.name


def test_the_same_data_gives_the_same_drawing(drawn):
    assert [figure.svg for figure in draw()] == [figure.svg for figure in drawn]


def test_a_png_for_dagster_is_small_and_its_text_cannot_break_the_markdown(drawn):
    figure = replace(drawn[0], alt="a [b](c)\nd")
    markdown = figure.to_markdown_image()
    match = re.fullmatch(r"!\[a  b \(c\) d\]\(data:image/png;base64,([\w+/=]+)\)", markdown)
    assert match
    png = base64.b64decode(match.group(1))
    assert png.startswith(b"\x89PNG")
    assert len(png) < 60_000


def test_metric_by_arm_shows_the_mean_of_seeds():
    figure = figures.metric_by_arm(RANKING.filter(slice="all"), ROLES)
    assert "No content .1100" in figure.alt  # (.10 + .12) / 2
    assert figure.data.height == 5


def test_changes_are_told_by_arm_in_the_order_of_slices():
    figure = figures.change_by_slice(CHANGES, ROLES, BANDS, "changes", "By history")
    assert f"{HOSTILE}: 1–9 −50\u00a0%, 50+ +3.0\u00a0%; Random: 1–9 +0.1\u00a0%." in figure.alt


def test_lines_say_where_a_value_is_missing():
    figure = figures.metric_by_slice(RANKING, ROLES, BANDS, "lines", "By history")
    assert "No content: 1–9 .1000, 50+ –;" in figure.alt


def test_the_histogram_counts_and_keeps_negative_values():
    figure = figures.agreement_histogram(AGREEMENT)
    assert "3 correlations" in figure.alt
    assert "1 from -0.2 to -0.1, 1 from 0.5 to 0.6, 1 from 0.9 to 1.0" in figure.alt


def test_a_perfect_correlation_is_in_the_last_bar():
    frame = AGREEMENT.with_columns(pearson_r=pl.lit(1.0))
    assert "4 from 0.9 to 1.0" in figures.agreement_histogram(frame).alt


def test_best_and_worst_do_not_overlap():
    figure = figures.best_and_worst(AGREEMENT)
    assert figure.data["dimension"].to_list() == ["dark", "funny"]


def test_the_ladder_names_content_by_its_role():
    figure = figures.substitution_ladder(LADDER, ROLES)
    assert f"{HOSTILE}: −.0021 [−.0030, −.0010]; curated: +.0004 –" in figure.alt


def test_cost_is_summed_by_group():
    assert figures.cost_by_group(COST).data.rows() == [("themes", 5.0, 1), ("tone", 3.0, 2)]


def test_names_on_the_pareto_chart_stay_beside_their_point_and_no_interval_is_below_zero():
    """A long name lay across the names of the next price."""
    name = "EASE with embedded documents as further rows"
    points = pl.DataFrame(
        {
            "name": [name, "An LLM"], "kind": ["plain", "reranker"], "usd_per_1000": [0.0, 0.3],
            "value": [0.1, 0.05], "low": [None, -0.02], "high": [None, 0.12],
            "on_frontier": [True, False],
        }
    )  # fmt: skip
    figure = figures.pareto(points)
    shown = [text.get_text() for text in figure.canvas.axes[0].texts]
    assert shown == ["EASE with embedded documents as fur…", "An LLM"]
    lows = [min(line.get_ydata()) for line in figure.canvas.axes[0].lines]
    assert min(lows) == 0
    assert name in figure.alt
