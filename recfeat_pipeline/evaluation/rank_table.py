"""Ranks as arrays: per arm and seed, in the order of the same examples; sums per slice and user."""

from collections.abc import Collection

import numpy as np
import polars as pl

from recfeat_pipeline.errors import RecfeatError


class RankTable:
    """Ranks per arm and seed, all in the order of the same examples.

    ``seedless`` arms are counted or solved: they have one seed, and it stands for any.
    """

    def __init__(self, ranks: pl.DataFrame, seedless: Collection[str] = ()):
        self.seedless = seedless
        ordered = ranks.sort("arm", "seed", "example_id")
        parts = ordered.partition_by("arm", "seed", as_dict=True, maintain_order=True)
        self._ranks: dict[tuple[str, int], np.ndarray] = {}
        self.seeds: dict[str, list[int]] = {}
        self.examples = pl.DataFrame(schema={"example_id": pl.Int64, "user_id": pl.Int64})
        for (arm, seed), part in parts.items():
            if not self._ranks:
                self.examples = part.select("example_id", "user_id")
            elif not part["example_id"].equals(self.examples["example_id"]):
                raise RecfeatError(
                    f"Arm {arm!r}, seed {seed} ranks other examples than the other arms do: "
                    "it is from another catalogue state. Run it again."
                )
            self._ranks[arm, seed] = part["rank"].to_numpy()
            self.seeds.setdefault(arm, []).append(seed)

    def paired_seeds(self, arm: str, reference: str) -> tuple[list[int], list[int]]:
        """Seeds of both, pair by pair; none where they share none."""
        ours, theirs = self.seeds[arm], self.seeds[reference]
        shared = [seed for seed in ours if seed in theirs]
        if reference in self.seedless:
            return ours, theirs[:1] * len(ours)
        if arm in self.seedless:
            return ours[:1] * len(theirs), theirs
        return shared, shared

    def of(self, arm: str, seeds: list[int]) -> np.ndarray:
        """Ranks [seeds, examples]."""
        return np.stack([self._ranks[arm, seed] for seed in seeds])


class Layout:
    """Which examples are in which slice, and whose they are."""

    def __init__(self, examples: pl.DataFrame, slices: pl.DataFrame):
        users = examples["user_id"].rank("dense").cast(pl.Int64) - 1
        self.n_users = examples["user_id"].n_unique()
        placed = (
            examples.select("example_id")
            .with_columns(row=pl.int_range(pl.len()), user=users)
            .join(slices, on="example_id")
            .sort("row")
        )
        self.names = placed["slice"].unique(maintain_order=True).sort().to_list()
        slice_of = pl.Series(self.names, dtype=pl.String).search_sorted(placed["slice"])
        self._rows = placed["row"].to_numpy()
        self._cells = (
            slice_of.to_numpy().astype(np.int64) * self.n_users + placed["user"].to_numpy()
        )
        self.counts = self._sum(np.ones(len(self._rows)))

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Values [seeds, examples] summed to [slices, seeds, users]."""
        return np.stack([self._sum(seed[self._rows]) for seed in values], axis=1)

    def _sum(self, values: np.ndarray) -> np.ndarray:
        size = len(self.names) * self.n_users
        return np.bincount(self._cells, values, size).reshape(len(self.names), self.n_users)
