import pytest

from recfeat_pipeline.report.blocks import Paragraph
from recfeat_pipeline.report.sections.method import method

TMDB = "This product uses the TMDB API but is not endorsed or certified by TMDB."


@pytest.mark.parametrize("attributions", [[TMDB], []])
def test_what_the_text_s_sources_want_shown_is_shown(read, attributions):
    section = method(read(attributions=attributions))
    assert [b.text for b in section.blocks if isinstance(b, Paragraph)] == attributions
