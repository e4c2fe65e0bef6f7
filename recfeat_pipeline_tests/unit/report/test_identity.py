"""The list of pages in doubt."""

from recfeat_pipeline.report.blocks import Paragraph, Table
from recfeat_pipeline.report.sections.identity import identity


def test_the_most_doubtful_page_leads_and_its_reason_is_shown(read):
    section = identity(read())
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert table.rows[0][0].endswith("[3]")
    assert table.rows[0][3:5] == ["no", "0.80"]
    assert table.rows[0][5].startswith("year: 1995 here, 2002")
    assert len(table.rows) == 15
    lead = next(block for block in section.blocks if isinstance(block, Paragraph))
    assert "1 are left out" in lead.text


def test_a_store_without_pages_has_no_such_section(read):
    inputs = read()
    object.__setattr__(inputs, "pages", inputs.pages.clear())
    assert identity(inputs) is None
