import polars as pl
import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.imported import import_scores
from recfeat_pipeline.schemas import SCORES
from recfeat_pipeline.taxonomy.read import build_taxonomy

TAXONOMY = build_taxonomy(
    {
        "name": "tiny",
        "groups": [
            {"name": "mood", "dimensions": [{"name": n, "gloss": n} for n in ("dark", "warm")]},
            {"name": "place", "dimensions": [{"name": "sea", "gloss": "at sea"}]},
        ],
    },
    "here",
)


def given(*rows: tuple[int, str, object]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["item_id", "dimension", "score"], orient="row", strict=False)


def test_what_is_left_out_is_zero_and_items_without_a_row_are_not_scored():
    key, frame = import_scores(given((7, "sea", 0.5), (3, "dark", 1.0)), TAXONOMY, "mine")
    assert key.startswith("mine@")
    assert list(frame.schema) == list(SCORES)
    assert frame.select("item_id", "group", "dimension", "score").rows() == [
        (3, "mood", "dark", 1.0), (3, "mood", "warm", 0.0), (3, "place", "sea", 0.0),
        (7, "mood", "dark", 0.0), (7, "mood", "warm", 0.0), (7, "place", "sea", 0.5),
    ]  # fmt: skip


def test_the_key_follows_scores_and_not_their_order():
    rows = (7, "sea", 0.5), (3, "dark", 1.0)
    key, _ = import_scores(given(*rows), TAXONOMY, "mine")
    assert import_scores(given(*rows[::-1]), TAXONOMY, "mine")[0] == key
    assert import_scores(given(rows[0], (3, "dark", 0.9)), TAXONOMY, "mine")[0] != key


def test_text_ids_and_scores_from_a_csv_file_are_read():
    frame = import_scores(given(("B00", "sea", "0.25")), TAXONOMY, "mine")[1]  # type: ignore[arg-type]
    assert frame.filter(dimension="sea")["score"].to_list() == [0.25]


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([(1, "night", 0.5)], "the dimension 'night', which the taxonomy 'tiny' does not have"),
        ([(1, "sea", 0.5), (1, "sea", 0.6)], "score item 1 twice on 'sea'"),
        ([(1, "sea", 1.5)], "give item 1 1.5 on 'sea'"),
        ([(1, "sea", float("nan"))], "give item 1 nan on 'sea'"),
        ([(1, "sea", None)], "give item 1 None on 'sea'"),
        ([(1, "sea", "much")], "give item 1 'much' on 'sea'"),
    ],
)
def test_what_is_no_score_is_named(rows, complaint):
    with pytest.raises(RecfeatError, match=complaint):
        import_scores(given(*rows), TAXONOMY, "mine")
