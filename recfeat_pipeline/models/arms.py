"""An arm as data: a TOML file in ``arms/`` says what a model sees; a new arm is a new file."""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any

import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.schemas import ARMS

CHOICES: Mapping[str, tuple[str, ...]] = {
    "family": (
        "base", "rich", "recency", "control", "ablation", "probe", "training", "published",
        "baseline",
    ),
    "model": (
        "two_tower", "sasrec", "popularity", "recent_popularity", "item_knn", "markov", "ease",
        "ials",
    ),
    "content": ("llm", "curated", "profile", "genres"),
    "control": ("random", "shuffled", "mapped_tags", "pca"),
    "weights": ("debiased", "debiased_future", "uniform"),
}  # fmt: skip
"""Allowed values of the keys that have a fixed set."""


@dataclass(frozen=True)
class Arm:
    """What one model sees. The defaults are the floor's: item ids and histories, nothing else."""

    id: str
    title: str
    family: str  # where tables show it; ``resolve_arms`` takes a family as a name
    label: str | None = None  # the published study's letter, where it had one
    against: tuple[str, ...] = ()  # arms it is contrasted with
    model: str = "two_tower"

    content: tuple[str, ...] = ()  # feature sources, side by side in the content slot
    prompt_version: str | None = None  # of the "llm" source; None: the promoted version
    control: str | None = None  # what is done to the content before a model sees it
    groups_left_out: tuple[str, ...] = ()  # taxonomy groups that the model does not see

    weights: str = "debiased"  # of a history's items: rating less the past mean, or uniform
    four_pools: bool = False  # all, liked, disliked and weighted histories, each a channel
    metadata: bool = False  # genres, user tags, year and time of the request
    recency: bool = False  # the last item as a channel of its own

    popularity_alpha: float = 0.0  # logit adjustment: alpha x log(1 + count) while training
    id_dropout: float = 0.0  # share of items whose id channel is blanked at each step
    rare_as_new: float = 0.0  # of the mean item's training events: a rarer one counts as new
    history_dropout: float = 0.0  # share of a history's older items left out at each step
    negatives: int = 0  # sampled per step; 0: full softmax
    batch_size: int = 512

    @property
    def is_trained(self) -> bool:
        """Whether it has steps and a checkpoint."""
        return self.model in ("two_tower", "sasrec")

    @property
    def has_luck(self) -> bool:
        """Whether another seed gives another model: trained, factorised, or fed drawn features."""
        return self.is_trained or self.model == "ials" or self.control in ("random", "shuffled")


@cache
def load_arms() -> dict[str, Arm]:
    """Every arm by id: by family, then in the order of the file names.

    Raises:
        RecfeatError: a file holds an unknown key or value.
    """
    folder = files(__package__).joinpath("arms")
    paths = sorted(
        (path for path in folder.iterdir() if path.name.endswith(".toml")),
        key=lambda path: path.name,
    )
    arms = [_parse(path.name, tomllib.loads(path.read_text(encoding="utf-8"))) for path in paths]
    arms.sort(key=lambda arm: CHOICES["family"].index(arm.family))
    known = {arm.id: arm for arm in arms}
    for arm in arms:
        for other in arm.against:
            if other not in known:
                raise RecfeatError(f"models/arms/{arm.id}.toml: against names no arm {other!r}.")
    return known


def arms_frame() -> pl.DataFrame:
    """Every arm as a row of :data:`~recfeat_pipeline.schemas.ARMS`."""
    arms = load_arms().values()
    base = {(arm.content, arm.prompt_version): arm.id for arm in arms if arm.family == "base"}
    rows = [
        {
            "arm": arm.id,
            "title": arm.title,
            "family": arm.family,
            "label": arm.label,
            "model": arm.model,
            "content": "+".join(arm.content),
            "control": arm.control,
            "prompt_version": arm.prompt_version if "llm" in arm.content else None,
            "base": base.get((arm.content, arm.prompt_version)) if arm.metadata else None,
        }
        for arm in arms
    ]
    return pl.DataFrame(rows, schema=ARMS)


def resolve_arms(names: str) -> list[Arm]:
    """The arms of a comma-separated list of ids, published labels or families, in order.

    ``"floor,B'"`` is the floor and the LLM arm; ``"base,control"`` is two families.

    Raises:
        RecfeatError: a name that no arm has.
    """
    arms = load_arms()
    by_name: dict[str, list[Arm]] = {}
    for arm in arms.values():
        by_name.setdefault(arm.family, []).append(arm)
    by_name |= {_plain(arm.label): [arm] for arm in arms.values() if arm.label}
    by_name |= {arm.id: [arm] for arm in arms.values()}
    wanted = [_plain(name) for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in by_name]
    if unknown or not wanted:
        near = difflib.get_close_matches(unknown[0], by_name, n=1) if unknown else []
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise RecfeatError(
            f"No arm {', '.join(map(repr, unknown)) or 'named'}; {meant}`recfeat arms` lists the "
            "arms, their labels and their families."
        )
    return list(dict.fromkeys(arm for name in wanted for arm in by_name[name]))


def _plain(label: str) -> str:
    return label.strip().replace("′", "'")


def _parse(file: str, spec: dict[str, Any]) -> Arm:
    defaults = {field.name: field.default for field in fields(Arm)}
    known = sorted(defaults.keys() - {"id"})
    for key in spec:
        if key not in known:
            raise RecfeatError(f"models/arms/{file}: unknown key {key!r}; keys are {known}.")
    for key in ("title", "family"):
        if key not in spec:
            raise RecfeatError(f"models/arms/{file}: {key} is missing.")
    spec = {key: tuple(value) if isinstance(value, list) else value for key, value in spec.items()}
    for key, allowed in CHOICES.items():
        given = spec.get(key, ())
        for value in given if isinstance(given, tuple) else (given,):
            if value not in allowed:
                raise RecfeatError(
                    f"models/arms/{file}: {key} = {value!r}; it is one of {', '.join(allowed)}."
                )
    return Arm(id=file.removesuffix(".toml"), **spec)
