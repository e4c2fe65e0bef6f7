import pytest

from recfeat_pipeline.report.blocks import Paragraph
from recfeat_pipeline.report.sections.method import method, reproduce

TMDB = "This product uses the TMDB API but is not endorsed or certified by TMDB."


@pytest.mark.parametrize("attributions", [[TMDB], []])
def test_what_the_text_s_sources_want_shown_is_shown(read, attributions):
    section = method(read(attributions=attributions))
    assert [b.text for b in section.blocks if isinstance(b, Paragraph)] == attributions


def test_do_it_again_is_what_was_recorded_and_names_what_was_kept_back(read):
    lines = ["export RECFEAT_LAKE=cards", "recfeat run --seeds 0"]
    section = reproduce(read(commands=lines, withheld=["OPENAI_API_KEY"], by_command=True))
    code, withheld, _ = section.blocks
    assert code.lines == lines
    assert "OPENAI_API_KEY" in withheld.text


def test_a_run_of_the_ui_says_so(read):
    section = reproduce(read(by_command=False))
    assert section.blocks[0].text.startswith("This run was started from Dagster's UI")
