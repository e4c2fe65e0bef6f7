"""Runs of another program's recommender: arms that no file of ours declares."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import RUNS


@dataclass(frozen=True)
class ImportedArm:
    """What its importer says of it; the fields have the meanings of an arm's file."""

    arm: str
    title: str
    role: str
    section: str
    family: str
    content: str = ""  # what it sees beside ids, in a word
    control: str | None = None
    against: tuple[str, ...] = ()
    is_stochastic: bool = True  # another seed would give other ranks


def save_import(
    lake: Lake,
    arm: ImportedArm,
    seed: int,
    ranks: pl.DataFrame,
    made_from: dict[str, Any],
) -> None:
    """Write an imported run; what the arm declares is the newest import's word.

    Args:
        lake: where runs are.
        arm: its declaration.
        seed: of the run.
        ranks: RANKS.
        made_from: what it was made from: file, its hash, examples.
    """
    keys = {"arm": arm.arm, "seed": str(seed)}
    run = dict.fromkeys(RUNS) | {"kind": "imported", "n_parameters": 0, "content_width": 0,
                                 "steps": 0, "best_step": 0}  # fmt: skip
    lake.write("ranks", ranks, **keys)
    lake.write("runs", pl.DataFrame([run], schema=RUNS), **keys)
    lake.write_note("made_from", {**made_from, "made_at": datetime.now(UTC).isoformat()}, **keys)
    lake.write_note("imported", asdict(arm), arm=arm.arm)


def imported_arms(lake: Lake) -> list[ImportedArm]:
    """Every arm that was imported into the lake, by id."""
    found = sorted(lake.notes("imported"), key=lambda note: note[0]["arm"])
    return [
        # a lake of an older release calls it has_luck
        ImportedArm(
            **{"is_stochastic" if key == "has_luck" else key: value for key, value in arm.items()}
            | {"against": tuple(arm["against"])}
        )
        for _, arm in found
    ]
