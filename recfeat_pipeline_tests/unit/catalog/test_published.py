import polars as pl

from recfeat_pipeline.catalog.published import (
    N_MOVIES,
    N_RATINGS,
    is_movielens_32m,
    published_counts_check,
)


def movies(n_popular: int, n_middling: int) -> pl.DataFrame:
    """As many items and ratings as ML-32M, with so many above 1,000 and above 200 ratings."""
    counts = [2_000] * n_popular + [300] * (n_middling - n_popular)
    counts += [0] * (N_MOVIES - len(counts))
    counts[0] += N_RATINGS - sum(counts)
    return pl.DataFrame({"n_ratings": counts})


def test_the_published_counts_match():
    checked = published_counts_check(movies(4_461, 9_375), 306)
    assert checked["published"].to_list() == [9_375, 4_461, 306]
    assert checked["matches"].to_list() == [True, True, True]


def test_other_counts_do_not_match():
    checked = published_counts_check(movies(4_462, 9_374), 305)
    assert checked["measured"].to_list() == [9_374, 4_462, 305]
    assert checked["matches"].to_list() == [False, False, False]


def test_tags_that_were_not_counted_are_not_checked():
    assert published_counts_check(movies(4_461, 9_375), None).height == 2


def test_other_catalogues_are_not_held_to_them():
    other = pl.DataFrame({"n_ratings": [1, 2, 3]})
    assert not is_movielens_32m(other)
    assert published_counts_check(other, 1).is_empty()
