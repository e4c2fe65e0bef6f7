"""The data behind ``recfeat check``: what was read, what was dropped, what it is fit for."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from recfeat_pipeline.catalog.circles import circles
from recfeat_pipeline.catalog.corpus import Corpus
from recfeat_pipeline.catalog.events_check import event_warnings, histogram
from recfeat_pipeline.catalog.leaks import leak_check
from recfeat_pipeline.catalog.splits import PARTS
from recfeat_pipeline.catalog.types import Catalog
from recfeat_pipeline.rendering import without_markup
from recfeat_pipeline.schemas import LEAST_COVERAGE, NEVER_FED

THIN_CHARACTERS = 200  # below this an item's text says little more than its title
PARTIAL_COVERAGE = 0.8  # on a smaller share, the arm also measures who has been tagged
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(frozen=True)
class CatalogCheck:
    """What ``recfeat check`` shows; every frame is small and in the order to show it."""

    counts: dict[str, Any]  # Corpus.report
    notes: pl.DataFrame  # kind, count, message, examples
    text_lengths: pl.DataFrame  # quantile, characters: of the text of corpus items
    thin_share: float  # corpus items with fewer than THIN_CHARACTERS characters
    fields: pl.DataFrame  # label, items, share, median_characters: of corpus items
    ratings: pl.DataFrame  # rating (or a range of them), count, share: of the corpus; may be empty
    overlap: pl.DataFrame  # what, count, total, share
    arms: pl.DataFrame  # arms, usable, reason
    warnings: tuple[str, ...]


def check_catalog(catalog: Catalog, corpus: Corpus) -> CatalogCheck:
    """Judge a catalogue after reading and corpus rules; raises nothing of its own."""
    inside = corpus.items.filter("in_corpus").select("item_id", "title")
    unfed = pl.col("label").str.contains(NEVER_FED)
    lengths, fields = _text(catalog.fields.filter(~unfed), inside)
    thin_share = int((lengths < THIN_CHARACTERS).sum()) / inside.height
    tagged = _tagged(catalog.tags, inside)
    return CatalogCheck(
        counts=corpus.report,
        notes=pl.DataFrame(
            [(note.kind, note.count, note.message, list(note.examples)) for note in catalog.notes],
            schema={
                "kind": pl.String,
                "count": pl.Int64,
                "message": pl.String,
                "examples": pl.List(pl.String),
            },
            orient="row",
        ),
        text_lengths=pl.DataFrame(
            {"quantile": QUANTILES, "characters": np.quantile(lengths, QUANTILES)}
        ),
        thin_share=thin_share,
        fields=fields,
        ratings=histogram(corpus.events["rating"]),
        overlap=_overlap(corpus, lengths, tagged),
        arms=_arms(catalog.tags is not None, tagged / inside.height, thin_share),
        warnings=(
            *(
                f"The field {label!r} is never fed, for its label sounds like popularity: rename "
                "it if it is text."
                for label in catalog.fields.filter(unfed)["label"].unique().sort()
            ),
            *circles(catalog.tags, catalog.fields, inside),
            *_warnings(inside, corpus, thin_share),
        ),
    )


def _text(fields: pl.DataFrame, inside: pl.DataFrame) -> tuple[pl.Series, pl.DataFrame]:
    """Characters of each corpus item's text, the title aside; and how far each field reaches."""
    measured = fields.join(inside, on="item_id", how="semi")
    measured = measured.with_columns(n=without_markup(measured["text"]).str.len_chars())
    body = measured.filter(pl.col("label") != "Title").group_by("item_id").agg(pl.col("n").sum())
    lengths = inside.join(body, on="item_id", how="left", maintain_order="left")["n"].fill_null(0)
    by_label = (
        measured.group_by("label")
        .agg(
            pl.col("position").min(),
            items=pl.col("item_id").n_unique().cast(pl.Int64),
            median_characters=pl.col("n").median(),
        )
        .with_columns(share=pl.col("items") / inside.height)
        .sort("position", "label")
        .select("label", "items", "share", "median_characters")
    )
    return lengths, by_label


def _tagged(tags: pl.DataFrame | None, inside: pl.DataFrame) -> int:
    return 0 if tags is None else inside.join(tags, on="item_id", how="semi").height


def _overlap(corpus: Corpus, lengths: pl.Series, tagged: int) -> pl.DataFrame:
    report = corpus.report
    without = report["items_without_interactions"]
    rows = [
        ("items with interactions", report["items_read"] - without, report["items_read"]),
        ("items in the corpus", report["items"], report["items_read"]),
        ("items that get features", report["items_scored"], report["items_read"]),
        ("users in the corpus", report["users"], report["users_read"]),
        ("events in the corpus", report["events"], report["events_read"]),
        ("corpus items with text beside the title", int((lengths > 0).sum()), report["items"]),
        ("corpus items with curated tags", tagged, report["items"]),
    ]
    return pl.DataFrame(
        [(what, count, total, count / total) for what, count, total in rows],
        schema={"what": pl.String, "count": pl.Int64, "total": pl.Int64, "share": pl.Float64},
        orient="row",
    )


def _arms(has_tags: bool, coverage: float, thin_share: float) -> pl.DataFrame:
    covered = f"curated tags cover {coverage:.0%} of corpus items"
    if not has_tags:
        curated = (False, "skipped: the catalogue brings no curated tags")
    elif coverage < LEAST_COVERAGE:
        curated = (False, f"skipped: {covered}")
    elif coverage < PARTIAL_COVERAGE:
        curated = (True, f"usable: {covered}; the others count as untagged")
    else:
        curated = (True, f"usable: {covered}")
    scores = (
        f"usable: {thin_share:.0%} of corpus items have fewer than {THIN_CHARACTERS} characters"
    )
    rows = [
        ("floor", True, "usable: needs interactions alone"),
        ("curated tags", *curated),
        ("LLM scores", True, scores),
    ]
    return pl.DataFrame(
        rows, schema={"arms": pl.String, "usable": pl.Boolean, "reason": pl.String}, orient="row"
    )


def _warnings(inside: pl.DataFrame, corpus: Corpus, thin_share: float) -> list[str]:
    report = corpus.report
    found = leak_check(corpus.events, report["split"])
    if thin_share > 0.5:
        found.append(
            f"{thin_share:.0%} of corpus items have fewer than {THIN_CHARACTERS} characters of "
            "text: name more columns under [items.document] or add a text source, or the scores "
            "will be what the model remembers of a title."
        )
    found += event_warnings(corpus.events, report)
    found += [
        f"No event falls into the {part} split: nothing can be {use}."
        for part, use in zip(PARTS, ("learned", "selected", "reported"), strict=True)
        if not report.get(f"events_{part}") and (part, report["split"]) != ("test", "published")
    ]
    twins = int(inside["title"].is_duplicated().sum())
    if twins:
        found.append(f"{twins:,} corpus items share their title with another: are they the same?")
    return found
