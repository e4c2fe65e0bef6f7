"""What a model is made of, as one hash: it is stale when the same training would be of another.

The models' part of :mod:`recfeat_pipeline.freshness`.
"""

import hashlib
import io
import json
from dataclasses import asdict, fields
from typing import Any

import polars as pl

from recfeat_pipeline.content.slot import Content, Slot
from recfeat_pipeline.models.arms import Arm
from recfeat_pipeline.models.data import Data


def run_hash(arm: Arm, seed: int, steps: int, data: Data, content: Content, corpus: str) -> str:
    """Hash of all that determines a run's result on one machine; ``corpus``: that of the data."""
    of_steps = steps if arm.is_trained else 0
    digest = hashlib.sha256(json.dumps([_options(arm), seed, of_steps, content.names]).encode())
    digest.update(content.matrix.tobytes())
    if content.users is not None:
        digest.update(content.users.ids.cast(pl.String).str.join("\n")[0].encode())
        digest.update(content.users.matrix.tobytes())
    if content.pairs is not None:
        for column in content.pairs:
            digest.update(column.cast(pl.String).str.join("\n")[0].encode())
    digest.update(corpus.encode())
    for array in arm.family.sees(data, arm.settings):
        digest.update(array.tobytes())
    return digest.hexdigest()


def _options(arm: Arm) -> dict[str, Any]:
    """What differs from the defaults: a setting that a family gains later leaves old runs current.

    ``model`` and ``content`` are the names that these had in the first lakes.
    """
    options: dict[str, Any] = {}
    if arm.family_name != "published":
        options["model"] = arm.family_name
    default = Slot()
    for field in fields(Slot):
        if (value := getattr(arm.content, field.name)) != getattr(default, field.name):
            options["content" if field.name == "sources" else field.name] = value
    plain = asdict(arm.family.settings())
    options |= {k: v for k, v in asdict(arm.settings).items() if v != plain[k]}
    return options | ({"version": arm.family.revision} if arm.family.revision > 1 else {})


def corpus_hash(data: Data) -> str:
    """Hash of the events and examples, which all arms of a catalogue share."""
    digest = hashlib.sha256()
    for frame in (data.events, data.examples):
        buffer = io.BytesIO()
        frame.write_ipc(buffer)
        digest.update(buffer.getbuffer())
    if data.has_positions:
        digest.update(b"has positions")  # models were once trained in another order
    return digest.hexdigest()
