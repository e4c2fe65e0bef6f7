"""Stable pseudo-random integers from ids.

Plain 64-bit arithmetic (splitmix64; FNV-1a over UTF-8 for text), so that a split or an order never
depends on a library's version, on the other rows, or on their order.
"""

import numpy as np
import polars as pl

_FNV_OFFSET, _FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)


def mix(values: np.ndarray) -> np.ndarray:
    """The splitmix64 finaliser, elementwise on uint64 (Steele, Lea & Flood 2014)."""
    z = values + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def hash_ids(ids: pl.Series, seed: int) -> np.ndarray:
    """One uint64 per id (``Int64`` or ``String``, no nulls), [n]."""
    if ids.dtype == pl.String:
        values = _hash_text(ids)
    else:
        values = ids.cast(pl.Int64).to_numpy().view(np.uint64)
    return mix(values ^ mix(np.array([seed], dtype=np.uint64)))


def hash_pairs(left: pl.Series, right: pl.Series, seed: int) -> np.ndarray:
    """One uint64 per pair of ids, such as (user, item), [n]."""
    return mix(hash_ids(left, seed) ^ mix(hash_ids(right, seed)))


def has_repeats(left: pl.Series, right: pl.Series) -> bool:
    """Whether a pair of ids (probably) occurs twice; never False when one does."""
    return bool(len(_repeated(hash_pairs(left, right, seed=0))))


def may_repeat(left: pl.Series, right: pl.Series) -> pl.Series:
    """Rows whose pair of ids (probably) occurs twice; those of every pair that does are among them.

    Sorting hashes takes a fraction of the memory of grouping the pairs themselves.
    """
    hashes = hash_pairs(left, right, seed=0)
    return pl.Series(hashes).is_in(pl.Series(_repeated(hashes)).implode())


def _repeated(hashes: np.ndarray) -> np.ndarray:
    """Those that occur twice."""
    ordered = np.sort(hashes)
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def uniform(ids: pl.Series, seed: int) -> np.ndarray:
    """One float64 in [0, 1) per id."""
    return (hash_ids(ids, seed) >> np.uint64(11)) * 2.0**-53


def _hash_text(ids: pl.Series) -> np.ndarray:
    """FNV-1a of each text, a byte position at a time over the distinct values."""
    distinct = ids.unique(maintain_order=True)
    padded = np.array([value.encode() for value in distinct.to_list()], dtype=np.bytes_)
    lengths = distinct.str.len_bytes().to_numpy()
    width = padded.dtype.itemsize
    codes = padded.view(np.uint8).reshape(len(padded), width).astype(np.uint64)
    values = np.full(len(padded), _FNV_OFFSET)
    for position in range(width):
        longer = lengths > position
        values[longer] = (values[longer] ^ codes[longer, position]) * _FNV_PRIME
    where = pl.DataFrame({"id": distinct, "hash": values})
    joined = ids.rename("id").to_frame().join(where, on="id", how="left", maintain_order="left")
    return joined["hash"].to_numpy()
