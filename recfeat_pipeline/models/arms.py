"""An arm as data: a TOML file in ``arms/`` says what a model sees; a new arm is a new file."""

import tomllib
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any

from recfeat_pipeline.errors import RecfeatError

MODELS = ("two_tower", "popularity", "recent_popularity")
SOURCES = ("llm", "curated", "profile")
CONTROLS = ("random",)


@dataclass(frozen=True)
class Arm:
    """What one model sees. Defaults are the floor's: item ids and histories, nothing else."""

    id: str
    title: str
    label: str | None = None  # the published study's letter, where it had one
    model: str = "two_tower"
    content: tuple[str, ...] = ()  # of SOURCES, side by side in the content slot
    prompt_version: str | None = None  # of the "llm" source; None: the promoted version
    control: str | None = None  # what is done to the content so that it can show no lift
    pooling: str = "debiased"  # weights of the content history: "debiased" ratings or "uniform"

    @property
    def is_trained(self) -> bool:
        """Whether it has steps, a checkpoint and a seed that matters."""
        return self.model == "two_tower"


@cache
def load_arms() -> dict[str, Arm]:
    """Every arm by id, in the order of the file names.

    Raises:
        RecfeatError: a file holds an unknown key or value.
    """
    paths = sorted(
        (p for p in files(__package__).joinpath("arms").iterdir() if p.name.endswith(".toml")),
        key=lambda path: path.name,
    )
    arms = [_parse(path.name, tomllib.loads(path.read_text(encoding="utf-8"))) for path in paths]
    return {arm.id: arm for arm in arms}


def resolve_arms(names: str) -> list[Arm]:
    """The arms of a comma-separated list of ids or published labels (``"floor,B'"``), in order.

    Raises:
        RecfeatError: a name that no arm has.
    """
    arms = load_arms()
    by_name = {arm.label.replace("′", "'"): arm for arm in arms.values() if arm.label} | arms
    wanted = [name.strip().replace("′", "'") for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in by_name]
    if unknown or not wanted:
        known = ", ".join(
            arm.id + (f" ({arm.label})" if arm.label else "") for arm in arms.values()
        )
        raise RecfeatError(
            f"No arm {', '.join(map(repr, unknown)) or 'named'}; the arms are {known}."
        )
    return list(dict.fromkeys(by_name[name] for name in wanted))


def _parse(file: str, spec: dict[str, Any]) -> Arm:
    known = {field.name for field in fields(Arm)} - {"id"}
    unknown = sorted(spec.keys() - known)
    if unknown:
        raise RecfeatError(
            f"models/arms/{file}: unknown key {unknown[0]!r}; keys are {', '.join(sorted(known))}."
        )
    if "title" not in spec:
        raise RecfeatError(f"models/arms/{file}: give the arm a title.")
    spec["content"] = tuple(spec.get("content", ()))
    arm = Arm(id=file.removesuffix(".toml"), **spec)
    for key, values, allowed in (
        ("model", [arm.model], MODELS),
        ("content", arm.content, SOURCES),
        ("control", [arm.control] if arm.control else [], CONTROLS),
        ("pooling", [arm.pooling], ("debiased", "uniform")),
    ):
        for value in values:
            if value not in allowed:
                raise RecfeatError(
                    f"models/arms/{file}: {key} = {value!r}; it is one of {', '.join(allowed)}."
                )
    return arm
