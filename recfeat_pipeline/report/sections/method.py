"""How it was done, what limits it, and how to do it again."""

from recfeat_pipeline.report.blocks import Block, Bullets, Code, Facts, Paragraph, Section
from recfeat_pipeline.report.caveats import find_caveats
from recfeat_pipeline.report.inputs import Inputs
from recfeat_pipeline.report.split import split_sentence


def caveats(inputs: Inputs) -> Section:
    """What to keep in mind, worked out from the data."""
    found = find_caveats(inputs)
    block: Block = (
        Bullets(found) if found else Paragraph("The data shows none of the usual weaknesses.")
    )
    return Section("caveats", "What to keep in mind", [block])


def method(inputs: Inputs) -> Section:
    """The protocol in brief, then what ran with what."""
    provenance = inputs.provenance
    seeds = sorted(inputs.ranking["seed"].drop_nulls().unique())
    pairs = [
        ("Prompt version", provenance.prompt_version),
        ("Extraction model", provenance.extraction_model),
        ("Backend", provenance.backend),
        ("Seeds", ", ".join(map(str, seeds))),
        ("Revision", provenance.git_hash),
        *((f"Hash of {name}", value) for name, value in provenance.hashes.items()),
        *((f"Version of {name}", value) for name, value in provenance.versions.items()),
        ("Written", provenance.generated_at),
    ]
    return Section(
        "method",
        "Method and provenance",
        [
            Bullets(
                [
                    "A user is known by their history, never by an id, so held-out users need no "
                    "training of their own; validation chooses how much of it is read (the "
                    "published two-tower reads the last 50 items).",
                    f"{split_sentence(provenance.corpus)} Trained models learn by a softmax over "
                    "items; checkpoints and settings are chosen on validation examples.".strip(),
                    "Each held-out example has one exact rank over the whole corpus; seen items "
                    "are taken out, ties take their mean rank, and every metric follows from the "
                    "ranks.",
                    "Where a model weighs a history by ratings, they are debiased with the user's "
                    "past only.",
                ]
            ),
            Facts([(name, value) for name, value in pairs if value]),
            *(Paragraph(line, "note") for line in provenance.attributions),
        ],
    )


def reproduce(inputs: Inputs) -> Section:
    """Commands."""
    commands, withheld = inputs.provenance.commands, inputs.provenance.withheld
    said: list[Block] = []
    if inputs.provenance.by_command is False:
        said.append(
            Paragraph(
                "This run was started from Dagster's UI, by a schedule or by a sensor, so no "
                "command made it; this one reads the same catalogue into the same lake."
            )
        )
    return Section(
        "reproduce",
        "Do it again",
        [
            *said,
            Code(commands) if commands else Paragraph("The commands were not recorded.", "missing"),
            *(
                [Paragraph(f"Set as well, with values of your own: {', '.join(withheld)}.")]
                if withheld
                else []
            ),
            Paragraph(
                "A rerun on the same lake sends no request: every answer is kept under the hash "
                "of what was asked."
            ),
        ],
    )
