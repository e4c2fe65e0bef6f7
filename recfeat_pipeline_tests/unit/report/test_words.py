"""The report speaks of any domain: no film words but in what is data."""

import re

from recfeat_pipeline.report.blocks import Bullets, Paragraph, Table
from recfeat_pipeline.report.sections import build_sections

OF_FILMS = re.compile(r"(?i)\b(co-?watch\w*|watch\w*|films?|movies?|viewers?|themes|tones)\b")


def prose(section):
    yield section.title
    for block in section.blocks:
        if isinstance(block, Paragraph):
            yield block.text
        elif isinstance(block, Bullets):
            yield from block.items
        elif isinstance(block, Table):
            yield from (block.caption, *block.header)


def test_prose_has_no_words_of_films(read):
    sections = build_sections(read())
    assert {"question", "cold", "agreement"} <= {section.anchor for section in sections}
    said = [text for section in sections for text in prose(section)]
    assert [text for text in said if OF_FILMS.search(text)] == []
