"""Whose pages the texts are from, and which of them somebody should look at."""

from recfeat_pipeline.report import formats
from recfeat_pipeline.report.blocks import Block, Code, Paragraph, Section, Table
from recfeat_pipeline.report.inputs import Inputs

_SHOWN, _DOWNLOADED = 15, 500


def identity(inputs: Inputs) -> Section | None:
    """The pages whose item is most in doubt; left out where no source offered any."""
    pages = inputs.pages
    if pages.is_empty():
        return None
    used = int(pages["used"].sum())
    rows = pages.head(_SHOWN)
    blocks: list[Block] = [
        Paragraph(
            f"Text sources offered {formats.count(pages.height)} pages; by a vote of ids, titles, "
            f"years and people {formats.count(used)} are used, and "
            f"{formats.count(pages.height - used)} are left out. These are the most doubtful, used "
            "or not; a doubt of 1 is a toss-up."
        ),
        Table(
            "pages_in_doubt",
            "Pages that somebody should look at.",
            ["Item", "Source", "Page", "Used", "Doubt", "Against"],
            [
                [
                    f"{row['item']} [{row['item_id']}]",
                    row["source"],
                    row["page"] or "",
                    "yes" if row["used"] else "no",
                    f"{row['doubt']:.2f}",
                    row["reason"] or "",
                ]
                for row in rows.iter_rows(named=True)
            ],
            pages.head(_DOWNLOADED),
            text_columns=frozenset({1, 2, 3, 5}),
        ),
        Paragraph("What a source offered for an item, and how to say which page is its own:"),
        Code(["recfeat text why ITEM", "recfeat text pin ITEM --page SOURCE=PAGE"]),
    ]
    return Section("pages", "Pages in doubt", blocks)
