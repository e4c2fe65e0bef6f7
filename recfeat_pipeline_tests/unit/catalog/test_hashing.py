"""The hash is held against plain Python integers: it may never change."""

import polars as pl
import pytest

from recfeat_pipeline.catalog.hashing import has_repeats, hash_ids, hash_pairs, may_repeat, uniform

MASK = 2**64 - 1


def splitmix(z: int) -> int:
    z = (z + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def fnv(text: str) -> int:
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


@pytest.mark.parametrize("seed", [0, 7])
def test_hashes_equal_plain_arithmetic(seed):
    integers = [0, 1, -1, 2**62]
    expected = [splitmix((i & MASK) ^ splitmix(seed)) for i in integers]
    assert hash_ids(pl.Series(integers), seed).tolist() == expected
    texts = ["a", "bcd", "ü", "", "a"]
    expected = [splitmix(fnv(t) ^ splitmix(seed)) for t in texts]
    assert hash_ids(pl.Series(texts), seed).tolist() == expected


def test_known_value_of_splitmix():
    # First output of the reference generator seeded with 0 (Vigna's splitmix64.c).
    assert splitmix(0) == 0xE220A8397B1DCDAF


def test_a_hash_depends_on_nothing_but_the_id_and_the_seed():
    many = pl.Series([f"user-{i}" for i in range(1000)])
    assert hash_ids(many, 0)[17] == hash_ids(pl.Series(["user-17"]), 0)[0]
    assert hash_ids(many, 0)[17] != hash_ids(many, 1)[17]


def test_uniform_fills_the_unit_interval_evenly():
    values = uniform(pl.Series(range(100_000)), 0)
    assert values.min() >= 0
    assert values.max() < 1
    tenths = pl.Series((values * 10).astype(int)).value_counts()["count"]
    assert tenths.min() > 9_500  # 10,000 expected, standard deviation 95
    assert tenths.max() < 10_500


def test_pairs_are_ordered_and_repeats_are_found():
    left, right = pl.Series([1, 2, 1]), pl.Series([2, 1, 3])
    assert len(set(hash_pairs(left, right, 0).tolist())) == 3  # (1, 2) is not (2, 1)
    assert not has_repeats(left, right)
    assert has_repeats(pl.Series(["a", "b", "a"]), pl.Series([7, 7, 7]))
    assert not has_repeats(pl.Series([], dtype=pl.Int64), pl.Series([], dtype=pl.Int64))
    assert may_repeat(left, right).to_list() == [False] * 3
    twice = may_repeat(pl.Series(["a", "b", "a", "b"]), pl.Series([7, 7, 7, 8]))
    assert twice.to_list() == [True, False, True, False]
