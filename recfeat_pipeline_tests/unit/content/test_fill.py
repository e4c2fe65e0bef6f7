import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.content.fill import columns, fill
from recfeat_pipeline.content.letters import is_text, texts_of
from recfeat_pipeline.content.slot import Content, ContentUnavailable, Slot
from recfeat_pipeline.content.source import read_columns
from recfeat_pipeline.content.sources.words import LENGTH
from recfeat_pipeline.registry import use_folder
from recfeat_pipeline_tests.unit.content.stores import SCORES, TAXONOMY, VERSION, make_store
from recfeat_pipeline_tests.unit.models.worlds import make_items

LLM = pl.DataFrame(
    {
        "item_id": [100, 100, 101, 999],
        "dimension": ["funny", "tense", "space", "space"],
        "score": [0.5, 0.25, 1.0, 1.0],
    },
    schema=SCORES,
)
SCORED = Slot(sources=("llm",))


def filled(
    slot: Slot, n_items: int, seed: int = 0, taxonomy: pl.DataFrame = TAXONOMY, **tables
) -> Content:
    """What a slot is filled with; its columns are those that were foretold."""
    store = make_store(n_items, **tables)
    items = tables.get("items", make_items(n_items))
    content = fill(slot, store, items, taxonomy, VERSION, seed)
    foretold = columns(slot, lambda name: read_columns(store, name, VERSION), taxonomy)
    assert content.names == foretold
    assert content.width == len(foretold)
    return content


def test_scores_stand_in_taxonomy_and_item_order():
    got = filled(SCORED, 3, scores=LLM)
    assert got.names == ("llm:tense", "llm:funny", "llm:space")
    assert got.matrix.tolist() == [[0.25, 0.5, 0], [0, 0, 1], [0, 0, 0]]
    assert got.coverage == pytest.approx(2 / 3)


def tagged(rows: list[tuple[int, str, float]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["item_id", "tag", "relevance"], orient="row")


def test_counts_become_logs_over_the_items_largest():
    rows = [(100, "dark", 3.0), (100, "slow", 1.0), (101, "only here", 9.0)]
    rows += [(item, tag, 1.0) for item in range(101, 105) for tag in ("dark", "slow")]
    rows += [(item, "never", 0.0) for item in range(100, 105)]
    got = filled(Slot(sources=("curated",)), 5, tags=tagged(rows))
    assert got.names == ("curated:dark", "curated:slow"), "a tag on few items is dropped"
    assert got.matrix[0] == pytest.approx([1, np.log(2) / np.log(4)], abs=1e-6)
    assert got.matrix[1:] == pytest.approx(np.ones((4, 2)))


def test_relevance_in_zero_to_one_is_kept():
    relevance = [0.3, 0.3, 0.3, 0.3, 0.1]
    rows = tagged([(100 + i, "dark", value) for i, value in enumerate(relevance)])
    got = filled(Slot(sources=("curated",)), 5, tags=rows)
    assert got.matrix[:, 0] == pytest.approx(relevance)


def test_genres_are_one_hot_and_sorted():
    items = make_items(3).with_columns(genres=pl.Series([["War", "Drama"], [], ["War"]]))
    got = filled(Slot(sources=("genres",)), 3, items=items)
    assert got.names == ("genres:Drama", "genres:War")
    assert got.matrix.tolist() == [[1, 1], [0, 0], [0, 1]]


def test_profiles_are_those_made_last_whatever_is_promoted_scaled_to_mean_length_one():
    profiles = pl.DataFrame(
        [(100, "item-profile-v1@1", [9.0, 9.0], 1), (100, "recorded@2", [0.0, 2.0], 2),
         (101, "recorded@2", [4.0, 0.0], 2)],
        schema=["item_id", "version", "vector", "generated_at"], orient="row",
    )  # fmt: skip
    got = filled(Slot(sources=("profile",)), 3, profiles=profiles)
    assert got.names == ("profile:0", "profile:1")
    assert got.matrix == pytest.approx(np.array([[0, 2 / 3], [4 / 3, 0], [0, 0]]))


def test_versions_of_profiles_that_are_named_stand_side_by_side():
    profiles = pl.DataFrame(
        [(100, "short@1", [9.0, 9.0], 1), (100, "short@2", [2.0, 0.0], 3),
         (101, "short@2", [2.0, 0.0], 3), (100, "shorter@1", [0.0, 3.0], 9)],
        schema=["item_id", "version", "vector", "generated_at"], orient="row",
    )  # fmt: skip
    named = Slot(sources=("profile:short", "profile:shorter"))
    got = filled(named, 2, profiles=profiles)
    assert got.names == (
        "profile:short:0", "profile:short:1", "profile:shorter:0", "profile:shorter:1"
    )  # fmt: skip
    assert got.matrix.tolist() == [[1, 0, 0, 1], [1, 0, 0, 0]], "of short what was made last"
    with pytest.raises(ContentUnavailable, match="It needs profile:long features"):
        filled(Slot(sources=("profile:long",)), 2, profiles=profiles)


def test_embedded_documents_and_their_controls():
    texts = pl.DataFrame(
        [(100, [0.0, 1.0]), (101, [1.0, 0.0])], schema=["item_id", "vector"], orient="row"
    )
    got = filled(Slot(sources=("text_embedding",)), 3, texts=texts)
    assert got.names == ("text_embedding:0", "text_embedding:1")
    assert got.matrix.tolist() == [[0, 1], [1, 0], [0, 0]]
    noise = filled(Slot(sources=("text_embedding",), control="random"), 3, texts=texts)
    assert noise.matrix.shape == (3, 2)
    assert (noise.matrix != 0).all()


def test_generated_and_scraped_texts_are_never_one_source():
    generated = pl.DataFrame(
        [(100, "item-expanded-v1@1", [0.0, 1.0], 1), (101, "item-expanded-v1@1", [1.0, 0.0], 1)],
        schema=["item_id", "version", "vector", "generated_at"], orient="row",
    )  # fmt: skip
    got = filled(Slot(sources=("generated",)), 3, generated=generated)
    assert got.names == ("generated:0", "generated:1")
    assert got.matrix.tolist() == [[0, 1], [1, 0], [0, 0]]
    for scraped in ("text_embedding", "profile"):
        with pytest.raises(ContentUnavailable, match="there are none"):
            filled(Slot(sources=(scraped,)), 3, generated=generated)


def test_a_document_is_its_characters_and_a_text_again():
    texts = ["Ein é, 中 und 😀", "x" * 3000]
    documents = pl.DataFrame(
        {"item_id": [100, 101], "text": texts, "n_chars": [len(text) for text in texts]}
    )
    got = filled(Slot(sources=("words",)), 3, documents=documents)
    assert got.width == LENGTH
    assert texts_of(got.matrix) == [texts[0], "x" * LENGTH, ""]
    assert is_text(got.names)
    assert not is_text(("llm:tense",))
    other = filled(Slot(sources=("words",), control="shuffled"), 3, seed=3, documents=documents)
    assert sorted(texts_of(other.matrix)) == sorted(texts_of(got.matrix))


def test_sources_stand_side_by_side():
    items = make_items(3).with_columns(genres=pl.lit(["War"]))
    got = filled(Slot(sources=("genres", "llm")), 3, scores=LLM, items=items)
    assert got.names == ("genres:War", "llm:tense", "llm:funny", "llm:space")
    assert got.coverage == pytest.approx(2 / 3), "that of the thinnest"


def test_an_arm_without_content_has_width_zero():
    assert filled(Slot(), 4).matrix.shape == (4, 0)


@pytest.mark.parametrize("scores", [LLM.clear(), LLM.head(1)])
def test_missing_or_thin_content_is_a_typed_refusal(scores):
    with pytest.raises(ContentUnavailable, match="llm"):
        filled(SCORED, 6, scores=scores)


@pytest.mark.parametrize("control", [None, "random", "shuffled"])
@pytest.mark.parametrize("score", [0.0, 0.5])
def test_content_that_tells_no_item_from_another_is_a_typed_refusal(control, score):
    rows = [(100 + i, "tense", score) for i in range(6)]
    scores = pl.DataFrame(rows, schema=["item_id", "dimension", "score"], orient="row")
    with pytest.raises(ContentUnavailable, match="the same values"):
        filled(Slot(sources=("llm",), control=control), 6, scores=scores)


def test_a_source_that_is_not_there_has_no_columns():
    store = make_store(6)
    assert columns(SCORED, lambda name: (), TAXONOMY) is None
    assert read_columns(store, "profile", VERSION) == ()


def test_random_features_keep_shape_and_scale_and_follow_the_seed():
    real = filled(SCORED, 3, scores=LLM)
    noise = Slot(sources=("llm",), control="random")
    one, same, other = (filled(noise, 3, seed, scores=LLM).matrix for seed in (0, 0, 1))
    assert one.shape == real.matrix.shape
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_shuffled_rows_are_the_same_rows_elsewhere():
    llm = pl.DataFrame(
        {"item_id": range(100, 140), "dimension": ["tense"] * 40, "score": np.arange(1, 41) / 40},
        schema=SCORES,
    )
    got = filled(Slot(sources=("llm",), control="shuffled"), 40, scores=llm)
    real = filled(SCORED, 40, scores=llm)
    assert sorted(got.matrix[:, 0]) == sorted(real.matrix[:, 0])
    assert (got.matrix[:, 0] == real.matrix[:, 0]).mean() < 0.2


def test_groups_are_left_out_and_an_unknown_group_is_said():
    got = filled(Slot(sources=("llm",), groups_left_out=("mood",)), 3, scores=LLM)
    assert got.names == ("llm:space",)
    assert got.matrix.tolist() == [[0], [1], [0]]
    with pytest.raises(ContentUnavailable, match="'smell'"):
        filled(Slot(sources=("llm",), groups_left_out=("smell",)), 3, scores=LLM)


@pytest.fixture
def tags() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    names = ["tense", "comedy", "other", "more", "last"]
    items = np.repeat(np.arange(100, 130), 5)
    return pl.DataFrame({"item_id": items, "tag": names * 30, "relevance": rng.random(150)})


def test_mapped_tags_are_those_that_the_taxonomy_names(tags):
    got = filled(Slot(sources=("curated",), control="mapped_tags"), 30, tags=tags)
    assert got.names == ("curated:comedy", "curated:tense")
    rows = tags.filter(tag="comedy").sort("item_id")["relevance"].to_numpy()
    assert got.matrix[:, 0] == pytest.approx(rows)


def test_pca_needs_a_taxonomy_to_be_as_wide_as(tags):
    pca = Slot(sources=("curated",), control="pca")
    with pytest.raises(ContentUnavailable, match="nothing was scored"):
        filled(pca, 30, tags=tags, taxonomy=TAXONOMY.head(0))


def test_pca_keeps_the_taxonomys_width_and_the_largest_variances(tags):
    plain = filled(Slot(sources=("curated",)), 30, tags=tags)
    got = filled(Slot(sources=("curated",), control="pca"), 30, tags=tags)
    assert got.matrix.shape == (30, 3)
    expected = np.linalg.svd(plain.matrix - plain.matrix.mean(0))[1][:3]
    assert np.linalg.norm(got.matrix, axis=0) == pytest.approx(expected, rel=1e-4)


def test_a_source_of_the_users_own_fills_a_slot(tmp_path):
    use_folder(str(tmp_path))
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "length.py").write_text(
        "from recfeat_pipeline.content.source import Source\n"
        "source = Source(columns=\"SELECT 'letters' AS name\", "
        "rows=\"SELECT item_id, 'letters' AS name, length(title) AS value FROM catalog.items\")\n"
    )
    items = make_items(2).with_columns(title=pl.Series(["Heat", "Up"]))
    got = filled(Slot(sources=("length",)), 2, items=items)
    assert got.names == ("length:letters",)
    assert got.matrix.tolist() == [[4], [2]]


@pytest.mark.parametrize(("n_scored", "is_enough"), [(4, True), (3, False)])
def test_an_arm_needs_a_fifth_of_the_corpus(n_scored, is_enough):
    rows = [(100 + i, "tense", 0.5) for i in range(n_scored)]
    scores = pl.DataFrame(rows, schema=["item_id", "dimension", "score"], orient="row")
    if is_enough:
        assert filled(SCORED, 20, scores=scores).coverage == 0.2
    else:
        with pytest.raises(ContentUnavailable, match="cover 15% of the corpus; an arm needs 20%"):
            filled(SCORED, 20, scores=scores)
