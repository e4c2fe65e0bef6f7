"""Profiles of users: what they are written from, and when again."""

import polars as pl
import pytest

from recfeat_pipeline.extraction import Limits, choose_backend, extract, load_version
from recfeat_pipeline.extraction.embeddings import HashedEmbedder
from recfeat_pipeline.extraction.user_profiles import due, read_user_profiles, user_documents
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.profile_schemas import USER_PROFILES
from recfeat_pipeline.settings import Settings
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer
from recfeat_pipeline_tests.unit.models.worlds import make_events, make_items

VERSION = load_version("user-profile-v1")
TITLES = ["A (1990)", "B: C (1991)", "D\nE", "F (2001)", "G (2002)"]
ITEMS = make_items(5).with_columns(title=pl.Series(TITLES))


def shown(rows, newest=50):
    return user_documents(make_events(rows), ITEMS, newest)


def test_a_document_is_the_history_newest_first_and_cut():
    frame = shown(
        [(7, 0, 4.0, 1, "train"), (7, 1, 2.5, 2, "train"), (7, 2, None, 3, "train"),
         (9, 0, None, 1, "train")],
        newest=2,
    )  # fmt: skip
    assert frame["user_id"].to_list() == [7, 9]
    assert frame["item_id"].to_list() == [102, 100], "of the newest, as the ledger keeps items' ids"
    assert frame["text"].to_list() == ["1. D E\n2. B: C (1991), rated 2.5", "1. A (1990)"]
    assert frame["history"].to_list() == [["102", "101"], ["100"]]


def test_what_is_held_out_is_not_shown():
    """The validation and test events of a user are newer: none of them may reach the model."""
    rows = [(7, 0, 4.0, 1, "train"), (7, 3, 5.0, 2, "valid"), (7, 4, 5.0, 3, "test")]
    frame = shown([*rows, (8, 4, 5.0, 1, "test"), (9, 1, 5.0, 1, None)])
    assert frame["text"].to_list() == ["1. A (1990), rated 4.0"]


def test_a_profile_is_written_again_when_enough_is_new():
    held = pl.DataFrame(
        {"user_id": [7, 8], "model": ["m", "m"], "history": [["100", "101", "102"], ["104"]]}
    )
    rows = [(7, item, None, item, "train") for item in range(4)] + [(8, 4, None, 1, "train")]
    documents = shown(rows)  # one of user 7's four is new, nothing of user 8's
    for changed, expected in ((0.25, [7]), (0.3, []), (0.0, [7])):
        assert due(documents, held, "m", changed)["user_id"].to_list() == expected
    assert due(documents, held, "other", 0.9)["user_id"].to_list() == [7, 8]


def test_a_profile_of_what_is_held_out_now_is_never_kept():
    held = pl.DataFrame({"user_id": [7], "model": ["m"], "history": [["101", "100"]]})
    rows = [(7, 0, None, 1, "train"), (7, 1, None, 2, "test")]
    assert due(shown(rows), held, "m", 1.0)["user_id"].to_list() == [7]


@pytest.mark.parametrize("real", [True, False])
def test_they_are_asked_once_and_the_others_stay(tmp_path, real):
    lake, users = Lake(tmp_path), shown([(7, 0, 4.0, 1, "train"), (9, 1, 1.0, 1, "train")])
    held = pl.DataFrame(schema=USER_PROFILES)
    with OpenAIServer() as server:
        settings = Settings(**({"RECFEAT_LLM_BASE_URL": server.base_url} if real else {}))
        for sent in (2, 0):
            backend = choose_backend(settings, VERSION)
            summary = extract(users, VERSION, lake, "00", backend, limits=Limits(4))
            assert (summary.sent, summary.failed) == (sent, 0)
    with_model = (VERSION, lake, "00", backend.model, HashedEmbedder())
    first = read_user_profiles(users, held, *with_model)
    assert first.schema == pl.Schema(USER_PROFILES)
    assert first["user_id"].to_list() == [7, 9]
    assert first["history"].to_list() == [["100"], ["101"]]
    assert (first["model"] == "lexical-v1").all() is not real
    again = read_user_profiles(users.head(0), first, *with_model)
    assert again.equals(first)
