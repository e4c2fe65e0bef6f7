"""What an exported file says of itself."""

import polars as pl
import pytest

from recfeat_pipeline.commands.export import about, write
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text.documents import build_documents

TMDB = "This product uses the TMDB API but is not endorsed or certified by TMDB."


@pytest.fixture
def lake(tmp_path) -> Lake:
    """A lake whose one document is from the catalogue and from TMDB."""
    lake = Lake(tmp_path / "lake")
    lake.remember(name="films")
    items = pl.DataFrame({"item_id": [1], "title": ["Alien"]})
    fields = pl.DataFrame(
        [(1, "catalog", "Genres", 0, "Horror"), (1, "tmdb", "Overview", 1, "A crew in space.")],
        schema={"item_id": pl.Int64, "source": pl.String, "label": pl.String,
                "position": pl.Int32, "text": pl.String},
        orient="row",
    )  # fmt: skip
    lake.write("documents", build_documents(items, fields), shard="00")
    return lake


def test_a_file_names_the_sources_whose_text_has_a_part_in_it(lake, tmp_path):
    told = about(lake, Settings(), "v@1, scored by m")
    assert told == {"catalogue": "films", "made_from": "v@1, scored by m", "attribution": TMDB}
    frame = pl.DataFrame({"item_id": [1]})
    write(frame, tmp_path / "a.parquet", told)
    assert pl.read_parquet_metadata(tmp_path / "a.parquet")["recfeat.attribution"] == TMDB
    write(frame, tmp_path / "a.csv", told)
    assert (tmp_path / "a.csv.attribution.txt").read_text() == TMDB + "\n"


def test_what_is_the_catalogues_own_needs_no_attribution(tmp_path):
    assert "attribution" not in about(Lake(tmp_path), Settings(), "")
