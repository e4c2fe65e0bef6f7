import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.catalog.corpus import build_corpus
from recfeat_pipeline.catalog.synthetic import NOISE_TAGS, SyntheticConfig, generate, truth
from recfeat_pipeline.schemas import FIELDS, INTERACTIONS, TAGS
from recfeat_pipeline.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy("genome132")


@pytest.fixture(scope="module")
def catalog():
    return generate()


@pytest.fixture(scope="module")
def scores() -> np.ndarray:
    """(items, dimensions): the truth."""
    return truth()["score"].to_numpy().reshape(-1, len(TAXONOMY.dimensions))


def test_equal_configurations_give_equal_catalogues(catalog):
    again, other = generate(SyntheticConfig()), generate(SyntheticConfig(seed=1))
    for name in ("items", "fields", "interactions", "tags"):
        assert getattr(catalog, name).equals(getattr(again, name)), name
        assert not getattr(catalog, name).equals(getattr(other, name)), name


def test_frames_are_in_their_schemas(catalog):
    assert dict(catalog.fields.schema) == FIELDS
    assert dict(catalog.interactions.schema) == INTERACTIONS
    assert dict(catalog.tags.schema) == TAGS
    assert catalog.items.height == 600
    assert catalog.items["title"].n_unique() == 600
    assert catalog.items["title"].str.contains(r"^The .+ \(\d{4}\)$").all()
    pairs = catalog.interactions.select("user_id", "item_id")
    assert pairs.is_unique().all()


def test_the_truth_is_sparse_and_in_range(scores):
    assert scores.shape == (600, 132)
    assert scores.min() == 0
    assert scores.max() <= 1
    assert 0.04 < (scores > 0).mean() < 0.1
    assert ((scores > 0).sum(axis=0) > 0).all()  # every dimension occurs


def test_texts_name_what_the_item_is_and_little_else(catalog, scores):
    """Words of a present dimension stand in most texts; of an absent one, hardly ever."""
    thin = catalog.fields.group_by("item_id").len().sort("item_id")["len"].to_numpy() == 2
    assert 0.08 < thin.mean() < 0.16
    plots = catalog.fields.filter(pl.col("label") == "Plot").sort("item_id")["text"]
    words = [(dimension.gloss, *dimension.genome_tags) for dimension in TAXONOMY.dimensions]
    named = np.stack([plots.str.contains_any(w).to_numpy() for w in words], axis=1)
    full = ~thin
    assert named[full][scores[full] >= 0.6].mean() > 0.7
    assert named[full][scores[full] == 0].mean() < 0.06
    assert named[thin][scores[thin] > 0].mean() < 0.1


def test_curated_tags_follow_the_truth_with_noise(catalog, scores):
    tags = catalog.tags.pivot(on="tag", index="item_id", values="relevance").sort("item_id")
    assert 0.85 < tags.height / 600 < 0.95  # some items have not been reached
    rows = tags["item_id"].to_numpy() - 1
    position = [d.name for d in TAXONOMY.dimensions].index("revenge")
    r = np.corrcoef(scores[rows, position], tags["revenge"])[0, 1]
    assert 0.5 < r < 0.99
    noise = np.corrcoef(scores[rows, position], tags[NOISE_TAGS[0]])[0, 1]
    assert abs(noise) < 0.2
    assert catalog.tags["relevance"].is_between(0, 1).all()


def test_popularity_is_skewed_and_some_items_are_cold(catalog):
    counts = (
        catalog.items.join(catalog.interactions.group_by("item_id").len(), on="item_id", how="left")
        .get_column("len")
        .fill_null(0)
        .sort(descending=True)
    )
    assert counts.head(60).sum() / counts.sum() > 0.2  # a tenth of the items
    assert 0.03 < (counts <= 2).mean() < 0.12


def test_nobody_rates_what_is_not_out_yet(catalog):
    years = catalog.interactions.join(catalog.items, on="item_id").select(
        "year", seen=pl.from_epoch("timestamp").dt.year()
    )
    assert (years["seen"] >= years["year"]).all()


def lift_of_taste(config: SyntheticConfig) -> float:
    """How much more alike two items of one user are than two items of two users (cosine)."""
    catalog = generate(config)
    matrix = truth(config)["score"].to_numpy().reshape(config.n_items, -1)
    centred = matrix - matrix.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    events = catalog.interactions.sort("user_id", "item_id")
    users, items = events["user_id"].to_numpy(), centred[events["item_id"].to_numpy() - 1]
    totals = np.zeros((config.n_users + 1, items.shape[1]))
    np.add.at(totals, users, items)
    n = np.bincount(users, minlength=config.n_users + 1)
    within = ((totals**2).sum(axis=1) - n)[n > 1].sum() / (n * (n - 1.0))[n > 1].sum()
    everything, n_all = items.sum(axis=0), len(items)
    overall = (everything @ everything - n_all) / (n_all * (n_all - 1.0))
    return float(within - overall)


def test_the_planted_effect_is_there_and_the_absent_one_is_not():
    assert lift_of_taste(SyntheticConfig(content_effect=1.0)) > 0.012
    assert abs(lift_of_taste(SyntheticConfig(content_effect=0.0))) < 0.003


def test_ratings_follow_taste_only_where_it_is_planted():
    spread = {
        effect: generate(SyntheticConfig(content_effect=effect)).interactions["rating"]
        for effect in (0.0, 1.0)
    }
    for ratings in spread.values():
        assert ratings.is_between(0.5, 5.0).all()
        assert ((ratings * 2) % 1 == 0).all()
    assert spread[1.0].mean() > spread[0.0].mean() + 0.2  # people choose what they like


def test_the_corpus_rules_suit_it(catalog):
    corpus = build_corpus(catalog)
    assert 450 < corpus.report["items"] < 600
    assert corpus.report["users"] > 1400
    assert {corpus.report[f"users_{split}"] > 100 for split in ("train", "valid", "test")} == {True}


def test_a_large_catalogue_has_distinct_titles():
    titles = generate(SyntheticConfig(n_items=4000, n_users=20)).items["title"]
    assert titles.str.replace(r" \(\d{4}\)$", "").n_unique() == 4000
