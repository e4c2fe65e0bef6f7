"""What was asked, and of which items and users."""

from recfeat_pipeline.report import figures, formats
from recfeat_pipeline.report.blocks import Block, Bullets, Chart, Facts, Paragraph, Section
from recfeat_pipeline.report.inputs import Inputs


def question(inputs: Inputs) -> Section:
    """The question in four sentences."""
    who = "an LLM" if inputs.provenance.used_llm else "the embedded lexical extractor (not an LLM)"
    return Section(
        "question",
        "The question",
        [
            Paragraph(
                "Does a recommender rank better when it knows what each item is about, and is "
                "it worth paying a model to find out?"
            ),
            Paragraph(
                f"Here {who} read each item's public text and scored it on a fixed list of "
                "themes, tones, settings and facts. Two-tower models were then trained that are "
                "identical but for one slot: empty, filled with those scores, with curated tags, "
                "or with random numbers of the same width. Each model had to find the next item "
                "of held-out users among the whole catalogue."
            ),
            Paragraph(
                "MRR, the mean reciprocal rank, is 1 when the next item is always ranked first "
                "and ½ when it is always second. Square brackets hold 95 % intervals.",
                "note",
            ),
        ],
    )


def corpus(inputs: Inputs) -> Section:
    """Counts, what reading dropped, and how much text there is."""
    provenance = inputs.provenance
    facts: list[tuple[str, str]] = []
    if inputs.items.height:
        row = inputs.items.row(0, named=True)
        facts += [
            ("Items in the catalogue", formats.count(row["n_items"])),
            ("Items ranked (the corpus)", formats.count(row["n_corpus"])),
            ("Median interactions per ranked item", formats.count(row["median_ratings"])),
            ("Ranked items with extracted features", formats.count(row["n_scored"])),
            ("Ranked items with curated tags", formats.count(row["n_tagged"])),
        ]
    facts += [
        (formats.words(name).capitalize(), formats.plain(value))
        for name, value in provenance.corpus.items()
        if not isinstance(value, dict | list)
    ]
    blocks: list[Block] = []
    if provenance.source:
        blocks.append(Paragraph(f"{provenance.catalogue}, read from {provenance.source}."))
    blocks.append(
        Facts(facts) if facts else Paragraph("The feature store holds no catalogue yet.", "missing")
    )
    counted = [note for note in provenance.notes if note.count or note.message]
    if counted:
        blocks.append(Paragraph("What reading the catalogue dropped or mended:"))
        blocks.append(
            Bullets(
                [
                    (f"{formats.count(note.count)}: " if note.count else "")
                    + (note.message or formats.words(note.kind))
                    for note in counted
                ]
            )
        )
    if inputs.text.filter("in_corpus").height:
        blocks.append(Chart(figures.text_lengths(inputs.text)))
    return Section("corpus", "The corpus", blocks)
