"""Who is sent to the LLM: policies on a request's state, replayed on stored ranks.

A policy is a TOML file in ``reranking/policies/``, or in ``policies/`` of RECFEAT_ARMS::

    title = "Short histories"
    [when]
    history_below = 10

All that ``[when]`` says must hold; what it leaves out always does. The requests are those of
held-out users, and a policy learns nothing from them: its numbers are in its file.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl

from recfeat_pipeline.errors import RecfeatError

CONDITIONS = {
    "history_from": lambda least: pl.col("history_length") >= least,
    "history_below": lambda most: pl.col("history_length") < most,
    "coverage_from": lambda least: pl.col("coverage") >= least,
    "coverage_below": lambda most: pl.col("coverage") < most,
    "new_from": lambda least: pl.col("n_new") >= least,
    "new_below": lambda most: pl.col("n_new") < most,
}
"""What a policy may look at: events before the request, the share of its candidates whose document
has 500 characters or more, and how many of them are new."""
COLUMNS = ("history_length", "coverage", "n_new")


@dataclass(frozen=True)
class Policy:
    """Which requests are sent to the LLM."""

    id: str
    title: str
    when: Mapping[str, float]

    def sends(self, requests: pl.DataFrame) -> np.ndarray:
        """Bool per request, [X]; one whose state is not known is not sent."""
        holds = [CONDITIONS[key](value) for key, value in self.when.items()]
        sent = pl.repeat(True, requests.height, eager=True)
        for held in holds:
            sent &= requests.select(held.fill_null(False)).to_series()
        return sent.to_numpy()


def load_policies(own: str | None = None) -> list[Policy]:
    """Every policy, those of the user's folder last.

    Raises:
        RecfeatError: a file holds something else.
    """
    built_in = files("recfeat_pipeline.reranking").joinpath("policies")
    specs = {path.name: path.read_text("utf-8") for path in built_in.iterdir()}
    for path in sorted(Path(own, "policies").expanduser().glob("*.toml")) if own else ():
        specs[str(path)] = path.read_text("utf-8")
    return [_parse(file, text) for file, text in specs.items() if file.endswith(".toml")]


def _parse(file: str, text: str) -> Policy:
    try:
        spec = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecfeatError(f"{file}: not TOML ({error}).") from error
    when = spec.get("when", {})
    if unknown := [key for key in spec if key not in ("title", "when")]:
        raise RecfeatError(f"{file}: unknown key {unknown[0]!r}; keys are title and [when].")
    if "title" not in spec:
        raise RecfeatError(f"{file}: title is missing.")
    for key, value in when.items():
        if key not in CONDITIONS:
            known = ", ".join(CONDITIONS)
            raise RecfeatError(f"{file}: [when] {key} is unknown; it takes {known}.")
        if type(value) not in (int, float):
            raise RecfeatError(f"{file}: [when] {key} = {value!r} is no number.")
    return Policy(Path(file).stem, spec["title"], when)


def quantile(latencies: np.ndarray, share: float, at: float) -> float:
    """A quantile of what requests wait for the LLM, when a share of them is sent to it.

    The others wait for nothing.
    """
    within = (at - (1 - share)) / share if share > 0 else -1.0
    return float(np.quantile(latencies, within)) if within > 0 and len(latencies) else 0.0
