"""Which requests are bought: a few of each length of history, with the weights of the design.

A request whose target is not among the candidates keeps its rank whatever is answered, so none of
those is bought: over all requests their change is 0, exactly.
"""

import polars as pl

STRATA = {"history 1-9": 10, "history 10-49": 50, "history 50+": 2**31}
"""Names as in ``metrics.slices``, and the history length that is beyond them."""


def stratum(length: pl.Expr) -> pl.Expr:
    """The name of a history length's stratum."""
    named = pl.lit(None, pl.String)
    for name, beyond in reversed(STRATA.items()):
        named = pl.when(length < beyond).then(pl.lit(name)).otherwise(named)
    return named.alias("stratum")


def design(requests: pl.DataFrame, n: int) -> pl.DataFrame:
    """Add ``stratum``, and ``weight``: eligible requests that a bought one stands for; null: none.

    The strata get the same number, or all they have; what one lacks goes to the others. A larger
    sample holds a smaller one.

    Args:
        requests: ``history_length``, ``eligible`` and ``draw``, a number by which they are drawn.
        n: to buy, in all.
    """
    placed = requests.with_columns(stratum(pl.col("history_length")))
    counts = placed.filter("eligible").group_by("stratum").len()
    share = allocate(dict(counts.iter_rows()), n)
    number = pl.col("draw").rank("ordinal").over("stratum", "eligible")
    allotted = pl.col("stratum").replace_strict(share, default=0, return_dtype=pl.Int64)
    size = pl.len().over("stratum", "eligible")
    chosen = pl.col("eligible") & (number <= allotted)
    return placed.with_columns(weight=pl.when(chosen).then(size / allotted))


def allocate(sizes: dict[str, int], n: int) -> dict[str, int]:
    """``n`` over strata of these sizes, as evenly as they allow."""
    left, given = n, {}
    for done, (name, size) in enumerate(sorted(sizes.items(), key=lambda pair: (pair[1], pair[0]))):
        given[name] = min(size, left // (len(sizes) - done))
        left -= given[name]
    return given
