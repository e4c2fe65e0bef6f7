"""The registry of text sources: what is in the folder, and what the user keeps elsewhere."""

import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text.sources import attributions, source_types, sources

OWN = """
import polars as pl
from recfeat_pipeline.schemas import FIELDS
from recfeat_pipeline.text.source import EVIDENCE, Source

class Liner(Source):
    name, order, attribution = "liner_notes", 0, "Liner notes, ours."
    address = switch = "LINER_NOTES"

    @classmethod
    def from_settings(cls, settings):
        return cls()

    async def _ask(self, job):
        for item in job.due.iter_rows(named=True):
            job.record(item, "ok", body=item["title"])

    def fields(self, raw):
        return pl.DataFrame(schema=FIELDS)

    def evidence(self, raw):
        return pl.DataFrame(schema=EVIDENCE)
"""


def test_a_file_in_the_users_folder_is_a_source(tmp_path):
    (tmp_path / "liner_notes.py").write_text(OWN)
    settings = Settings(sources=str(tmp_path))
    assert next(iter(source_types(settings.sources))) == "liner_notes"  # its order says: preferred
    assert [source.name for source in sources(settings)] == ["liner_notes"]
    assert attributions(settings.sources)["liner_notes"] == "Liner notes, ours."


def test_a_built_in_source_can_be_taken_over(tmp_path):
    (tmp_path / "tmdb.py").write_text(OWN.replace('"liner_notes"', '"tmdb"'))
    assert source_types(str(tmp_path))["tmdb"].__name__ == "Liner"


@pytest.mark.parametrize(
    ("text", "says"),
    [("import nothing_like_it", "cannot be imported"), ("x = 1", "defines 0 text sources")],
)
def test_a_file_that_is_no_source_is_named(tmp_path, text, says):
    (tmp_path / "broken.py").write_text(text)
    with pytest.raises(RecfeatError, match=f"broken.py.*{says}"):
        source_types(str(tmp_path))


def test_a_file_called_other_than_its_source_is_named(tmp_path):
    (tmp_path / "liner.py").write_text(OWN)
    with pytest.raises(RecfeatError, match=r"liner\.py.*call the file liner_notes\.py"):
        source_types(str(tmp_path))


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RecfeatError, match="RECFEAT_SOURCES"):
        source_types(str(tmp_path / "none"))


def test_every_source_has_an_attribution_whether_or_not_it_is_enabled():
    assert {"tmdb", "wikipedia", "wikidata"} <= set(attributions())
    assert "not endorsed or certified by TMDB" in attributions()["tmdb"]
    assert "CC BY-SA" in attributions()["wikipedia"]
