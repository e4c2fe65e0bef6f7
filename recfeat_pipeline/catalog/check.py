"""The data behind ``recfeat check``: what was read, what was dropped, what it is fit for."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from recfeat_pipeline.catalog.corpus import Corpus
from recfeat_pipeline.catalog.leaks import leak_check
from recfeat_pipeline.catalog.types import Catalog

THIN_CHARACTERS = 200  # below this an item's text says little more than its title
USABLE_COVERAGE = 0.5  # share of corpus items an arm's content must cover
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(frozen=True)
class CatalogCheck:
    """What ``recfeat check`` shows; every frame is small."""

    counts: dict[str, Any]  # corpus.report
    notes: pl.DataFrame  # kind, count, message, examples
    text_lengths: pl.DataFrame  # quantile, characters: of corpus items' documents
    thin_share: float  # corpus items with fewer than THIN_CHARACTERS characters
    fields: pl.DataFrame  # label, items, share, median_characters: of corpus items
    tag_coverage: float  # share of corpus items with a curated tag
    arms: pl.DataFrame  # arms, usable, reason
    warnings: tuple[str, ...]


def check_catalog(catalog: Catalog, corpus: Corpus) -> CatalogCheck:
    """Judge a catalogue after reading and corpus rules; raises nothing of its own."""
    inside = corpus.items.filter("in_corpus").select("item_id", "title")
    lengths, fields = _text(catalog, inside)
    covered = (
        0 if catalog.tags is None else inside.join(catalog.tags, on="item_id", how="semi").height
    )
    coverage = covered / inside.height
    thin_share = float((lengths < THIN_CHARACTERS).mean() or 0.0)
    arms = _arms(coverage, catalog.tags, thin_share)
    notes = pl.DataFrame(
        [(n.kind, n.count, n.message, list(n.examples)) for n in catalog.notes],
        schema={
            "kind": pl.String,
            "count": pl.Int64,
            "message": pl.String,
            "examples": pl.List(pl.String),
        },
        orient="row",
    )
    return CatalogCheck(
        counts=corpus.report,
        notes=notes,
        text_lengths=pl.DataFrame(
            {"quantile": QUANTILES, "characters": [lengths.quantile(q) for q in QUANTILES]}
        ),
        thin_share=thin_share,
        fields=fields,
        tag_coverage=coverage,
        arms=arms,
        warnings=tuple(_warnings(inside, corpus, thin_share)),
    )


def _text(catalog: Catalog, inside: pl.DataFrame) -> tuple[pl.Series, pl.DataFrame]:
    fields = catalog.fields.join(inside, on="item_id", how="semi").with_columns(
        n=pl.col("text").str.len_chars()
    )
    lengths = inside.join(
        fields.group_by("item_id").agg(pl.col("n").sum()), on="item_id", how="left"
    )
    by_label = (
        fields.group_by("label")
        .agg(
            pl.col("position").min(),
            items=pl.col("item_id").n_unique(),
            median_characters=pl.col("n").median(),
        )
        .with_columns(share=pl.col("items") / inside.height)
        .sort("position", "label")
        .select("label", "items", "share", "median_characters")
    )
    return lengths["n"].fill_null(0), by_label


def _arms(coverage: float, tags: pl.DataFrame | None, thin_share: float) -> pl.DataFrame:
    if tags is None:
        curated = (False, "the catalogue brings no curated tags: skipped")
    else:
        usable = coverage >= USABLE_COVERAGE
        verdict = "usable" if usable else f"below {USABLE_COVERAGE:.0%}: skipped"
        curated = (usable, f"curated tags cover {coverage:.0%} of corpus items: {verdict}")
    rows = [
        ("floor", True, "needs interactions only: usable"),
        ("curated tags", *curated),
        ("LLM scores", True, f"{thin_share:.0%} of corpus items have thin text: usable"),
    ]
    return pl.DataFrame(
        rows, schema={"arms": pl.String, "usable": pl.Boolean, "reason": pl.String}, orient="row"
    )


def _warnings(inside: pl.DataFrame, corpus: Corpus, thin_share: float) -> list[str]:
    report = corpus.report
    found = leak_check(corpus.events)
    if thin_share > 0.5:
        found.append(
            f"{thin_share:.0%} of corpus items have fewer than {THIN_CHARACTERS} characters of "
            "text: name more columns under [items.document], or expect scores from memory."
        )
    if report["unordered_share"] > 0:
        found.append(
            f"{report['unordered_share']:.0%} of events carry no time: their order is a fixed "
            "pseudo-random one."
        )
    twins = int(inside["title"].is_duplicated().sum())
    if twins:
        found.append(f"{twins:,} corpus items share their title with another: are they twins?")
    return found
