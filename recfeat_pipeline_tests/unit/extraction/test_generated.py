"""Generated texts: what a valid one is, and that they stay apart from what was scraped."""

import polars as pl
import pytest

from recfeat_pipeline.extraction import Limits, extract, load_version
from recfeat_pipeline.extraction.backends.lexical import LexicalBackend
from recfeat_pipeline.extraction.embeddings import HashedEmbedder
from recfeat_pipeline.extraction.generated import read_generated
from recfeat_pipeline.extraction.keys import canonical
from recfeat_pipeline.extraction.requests import keyed
from recfeat_pipeline.extraction.types import Request
from recfeat_pipeline.extraction.validation import InvalidError, check_content
from recfeat_pipeline.extraction.versions import OF_ITEMS
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.profile_schemas import GENERATED
from recfeat_pipeline_tests.unit.extraction.cases import documents

VERSION = load_version("item-expanded-v1")


def answer(description: str = "A quiet film about a lighthouse.", attributes=("french",)) -> str:
    value = {"title": "A (1990)", "description": description, "attributes": attributes}
    return canonical(value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (answer(), None),
        (answer("Short."), "description has not between 20 and 3000"),
        (answer("x" * 3001), "description has not between"),
        (answer(attributes=[]), "0 attributes"),
        (answer(attributes=["a"] * 13), "13 attributes"),
        (answer(attributes=[" "]), "an attribute is empty"),
    ],
)
def test_a_valid_one_has_a_description_and_some_attributes(content, said):
    [question] = VERSION.questions
    request = Request("k", 1, VERSION.key, question, "Title: A (1990)", "A (1990)", "m", {})
    if said is None:
        assert check_content(content, request)["attributes"] == ["french"]
    else:
        with pytest.raises(InvalidError, match=said):
            check_content(content, request)


def test_they_are_asked_of_documents_alone_and_are_no_documents(tmp_path):
    """What a call is made from is the document, so no interaction can be in it; what comes back
    lies in a table of its own, under its own name, and says who wrote it.
    """
    lake, shown = Lake(tmp_path), documents(3)
    before = keyed(shown, VERSION, "lexical-v1")["cache_key"]
    extract(shown, VERSION, lake, "00", LexicalBackend(VERSION), limits=Limits(2))
    frame = read_generated(shown, VERSION, lake, "00", "lexical-v1", HashedEmbedder())
    assert frame.schema == pl.Schema(GENERATED)
    assert frame["item_id"].to_list() == [1, 2, 3]
    assert set(frame["model"]) == {"lexical-v1"}
    lake.write("generated", frame, version=VERSION.key, shard="00")
    assert keyed(shown, VERSION, "lexical-v1")["cache_key"].equals(before)
    assert not lake.has("documents")
    assert not lake.has("profiles")
    assert len(set(OF_ITEMS.values())) == len(OF_ITEMS), "no two kinds of answers share a table"
