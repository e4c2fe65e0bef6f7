"""Rankings through the engine: bought once, and where no answer is valid, none."""

import json

import pytest

from recfeat_pipeline.extraction import load_version
from recfeat_pipeline.extraction.rankings import picked, rank_candidates
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.unit.extraction.cases import Scripted, documents

VERSION = load_version("rerank-v1")


def requests(n=3):
    text = "Taken before:\n- Film {i}\nCandidates:\n1. One\n2. Two\n3. Three"
    asked = documents(n)
    return asked.with_columns(
        text=asked["item_id"].map_elements(lambda i: text.format(i=i), return_dtype=str)
    ).drop("fields")


@pytest.fixture
def lake(tmp_path):
    lake = Lake(tmp_path)
    lake.open()
    return lake


def answering(of):
    """A backend that answers with the numbers that a request's film is given."""

    def answer(request, attempt):
        film = int(request.document.split("- Film ")[1].split("\n")[0])
        return json.dumps({"ranking": of[film]})

    return Scripted(answer)


def test_answers_come_in_the_order_of_the_requests_and_are_bought_once(lake):
    backend = answering({1: [3, 1], 2: [2], 3: [1, 2, 3]})
    found, summary = rank_candidates(requests(), VERSION, lake, backend)
    assert found["picks"].to_list() == [[3, 1], [2], [1, 2, 3]]
    assert (summary.sent, summary.ok) == (3, 3)
    again, summary = rank_candidates(requests(), VERSION, lake, answering({}))
    assert again.equals(found)
    assert (summary.sent, summary.cached) == (0, 3)


def test_numbers_that_are_no_candidates_are_asked_again_and_then_nothing(lake):
    backend = answering({1: [3, 1], 2: [4], 3: [2, 2]})
    found, summary = rank_candidates(requests(), VERSION, lake, backend)
    assert found["picks"].to_list() == [[3, 1], None, None]
    assert summary.reasons == {"ranking": 2}
    assert max(backend.asked.values()) == 3
    assert "each at most once" in str(backend.reminders)


def test_a_reader_sends_nothing(lake):
    found = picked(requests(), VERSION, lake, "gpt-4.1-mini")
    assert found["picks"].to_list() == [None] * 3
    assert found["cache_key"].n_unique() == 3
