"""What was asked, and of which items and users."""

from typing import Any

import polars as pl

from recfeat_pipeline.report import figures, formats
from recfeat_pipeline.report.blocks import Block, Bullets, Chart, Facts, Paragraph, Section, Table
from recfeat_pipeline.report.inputs import Inputs
from recfeat_pipeline.report.split import split_sentence

_KEPT = {
    "Items": ("items_read", "items"),
    "Users": ("users_read", "users"),
    "Interactions": ("events_read", "events"),
}
_DROPPED = {
    "items_without_interactions": "items without interactions",
    "items_with_too_few_interactions": "items with too few interactions",
    "users_outside_corpus": "users without a corpus item",
    "users_below_minimum": "users with too few corpus items",
    "users_above_maximum": "users with too many corpus items",
    "events_of_rare_items": "interactions with items outside the corpus",
    "events_of_users_below_minimum": "interactions of users with too few",
    "events_of_users_above_maximum": "interactions of users with too many",
}


def question(inputs: Inputs) -> Section:
    """The question in a few sentences, naming only what was run."""
    return Section(
        "question",
        "The question",
        [
            Paragraph(
                "Does a recommender rank better when it knows what each item is about, and is "
                "it worth paying a model to find out?"
            ),
            Paragraph(_what_was_done(inputs)),
            Paragraph(
                "MRR, the mean reciprocal rank, is 1 when the next item is always ranked first "
                "and ½ when it is always second. Square brackets hold 95 % intervals.",
                "note",
            ),
        ],
    )


def _what_was_done(inputs: Inputs) -> str:
    task = "had to find the next item of held-out users in the whole corpus."
    if not inputs.items["n_scored"].sum():
        return f"Here nothing was extracted from texts. Each model {task}"
    roles, llm = inputs.roles, inputs.provenance.used_llm
    who = {True: "an LLM", False: "the embedded lexical extractor (no LLM)", None: "a model"}[llm]
    fillings = ["empty", "filled with those scores"]
    fillings += ["filled with curated tags"] if roles.curated else []
    fillings += ["filled with random numbers of the same width"] if roles.controls else []
    return (
        f"Here {who} read each item's text and scored it on a fixed list of dimensions. "
        "Recommenders were then fitted that are identical but for one slot: "
        f"{', '.join(fillings[:-1])} or {fillings[-1]}. Each model {task}"
    )


def corpus(inputs: Inputs) -> Section:
    """Counts, what reading dropped, and how much text there is."""
    provenance = inputs.provenance
    counts = provenance.corpus
    blocks: list[Block] = []
    if provenance.source:
        source = "generated" if provenance.synthetic else f"read from {provenance.source}"
        blocks.append(
            Paragraph(f"{provenance.catalogue}, {source}. {split_sentence(counts)}".strip())
        )
    if any(pair[0] in counts for pair in _KEPT.values()):
        blocks.append(_kept(counts))
    dropped = [
        f"{formats.count(counts[k])} {what}" for k, what in _DROPPED.items() if counts.get(k)
    ]
    if dropped:
        blocks.append(Paragraph(f"Left out by the corpus rules: {'; '.join(dropped)}.", "note"))
    facts = _facts(inputs)
    if facts:
        blocks.append(Facts(facts))
    notes = [
        (f"{formats.count(note.count)} × " if note.count and not note.message else "")
        + (note.message or formats.words(note.kind))
        for note in provenance.notes
    ]
    if notes:
        blocks += [Paragraph("Met while reading:"), Bullets(notes)]
    if inputs.text.filter("in_corpus").height:
        blocks.append(Chart(figures.text_lengths(inputs.text)))
    if not blocks:
        blocks.append(Paragraph("The feature store holds no catalogue yet.", "missing"))
    return Section("corpus", "The corpus", blocks)


def _kept(counts: dict[str, Any]) -> Table:
    rows = [
        (name, counts[read], counts[kept])
        for name, (read, kept) in _KEPT.items()
        if counts.get(read) and kept in counts
    ]
    return Table(
        "corpus",
        "What was read, and what takes part.",
        ["", "Read", "In the corpus", "Share"],
        [
            [name, formats.count(read), formats.count(kept), formats.percent(kept / read)]
            for name, read, kept in rows
        ],
        pl.DataFrame(rows, schema=["what", "read", "in_corpus"], orient="row"),
    )


def _facts(inputs: Inputs) -> list[tuple[str, str]]:
    counts = inputs.provenance.corpus
    facts = []
    if inputs.items.height:
        row = inputs.items.row(0, named=True)
        facts = [
            ("Items ranked", formats.count(row["n_corpus"])),
            ("of them with extracted features", formats.count(row["n_scored"])),
            ("of them with curated tags", formats.count(row["n_tagged"])),
            ("Median interactions of a ranked item", formats.count(row["median_ratings"])),
        ]
    examples = inputs.metric("mrr")["n"].max()
    if examples:
        facts.append(("Held-out examples", formats.count(examples)))
    reported = "valid" if counts.get("split") == "published" else "test"
    if counts.get(f"users_{reported}"):
        facts.append((f"Users with {reported} events", formats.count(counts[f"users_{reported}"])))
    if counts.get("tied_share_test"):
        tied = formats.percent(counts["tied_share_test"])
        facts.append(("Test events at the second of the one before", tied))
    if counts.get("unordered_share"):
        facts.append(("Interactions without a time", formats.percent(counts["unordered_share"])))
    return facts
