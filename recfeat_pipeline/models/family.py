"""A model family: how models of a kind are fitted, what may be set, and what they can do.

A module of ``models/families/``, or of ``families/`` in the user's RECFEAT_ARMS, holds one as
``family``; its name is the module's. What an arm's file sets in ``[model]`` and ``[train]`` are the
fields of the family's settings, a frozen dataclass whose fields are made by :func:`setting`.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from recfeat_pipeline.content.slot import Content, Slot
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.registry import Registry, own_folder

if TYPE_CHECKING:  # importing them imports torch, and the UI loads this module
    from recfeat_pipeline.models.recipe import Recipe
    from recfeat_pipeline.models.scorer import Scorer

FAMILIES = Registry("model family", "models/families", "RECFEAT_ARMS", "families")
TABLES = ("model", "train")
"""Tables of an arm's file that hold settings: what a model is shaped like, and how it learns."""


def setting(
    default: Any,
    meaning: str,
    *,
    table: str = "train",
    choices: tuple[Any, ...] = (),
    space: tuple[Any, ...] = (),
    least: float | None = None,
) -> Any:
    """A field of a family's settings.

    Args:
        default: its type is the setting's; None stands for "unset" of a whole number.
        meaning: in a few words, for whoever writes an arm.
        table: of an arm's file, ``model`` or ``train``.
        choices: allowed values; empty: any of the type.
        space: values among which a search chooses; empty: it is not searched.
        least: smallest allowed number.
    """
    about = {"meaning": meaning, "table": table, "choices": choices, "space": space, "least": least}
    return field(default=default, metadata=about)


@dataclass(frozen=True)
class NoSettings:
    """Of a family without any."""


@dataclass(frozen=True)
class Family:
    """A kind of model.

    ``fit`` takes what is known, the content of the slot and the recipe, and gives a scorer. What
    a family leaves out it cannot do: ``load`` a fitted model from ``recipe.out_dir``, say the
    ``size`` (trained numbers) of a model of N items and D content columns. ``sees`` gives what a
    model reads besides events, examples and content, so that a change of it is noticed.
    """

    title: str
    fit: "Callable[[Data, Content, Recipe], Scorer]"
    settings: type = NoSettings
    trained: bool = False  # it has steps and checkpoints
    draws: bool = False  # another seed gives another model even of the same content
    takes_content: bool = False
    user_content: str | None = None  # of users: "asked" at each request, or "learnt" with alone
    takes_text: bool = False  # content may be a text, not numbers
    refuses: Callable[[Any, Slot], str | None] = lambda settings, slot: None
    """Why settings and a slot do not fit each other, as a sentence; None: they do."""
    reorders: bool = False  # it puts another arm's best in another order, for a sample of requests
    most_items: int | None = None  # larger catalogues are refused; None: any size
    revision: int = 1  # raised when the same settings come to mean another model
    load: "Callable[[Data, Content, Recipe], Scorer] | None" = None
    size: Callable[[Data, int, Any], int | None] | None = None
    sees: Callable[[Data, Any], Iterable[np.ndarray]] = lambda data, settings: ()

    def space(self) -> dict[str, tuple[Any, ...]]:
        """The values of each setting among which a search chooses."""
        return {f.name: f.metadata["space"] for f in fields(self.settings) if f.metadata["space"]}

    def refusal(self, n_items: int, n_examples: int) -> str | None:
        """Why the family cannot be fitted to N items and that many training examples, or None."""
        if self.trained and not n_examples:
            return "No user has two training events, so there is no next item to learn from."
        if self.most_items is None or n_items <= self.most_items:
            return None
        return (
            f"{self.title} holds a matrix of items × items, which for {n_items:,} items are "
            f"{4 * n_items**2 / 1e9:,.0f} GB; it is fitted up to {self.most_items:,} items."
        )

    def configure(self, given: Mapping[str, Mapping[str, Any]], where: str) -> Any:
        """Settings from an arm's tables ``[model]`` and ``[train]``.

        Args:
            given: by table, by key.
            where: the arm's file, for messages.

        Raises:
            RecfeatError: a key is unknown or of the other table, or a value is none it may have.
        """
        known = {f.name: f for f in fields(self.settings)}
        values = {}
        for table, entries in given.items():
            for key, value in entries.items():
                place = f"{where}: [{table}] {key}"
                if key not in known or known[key].metadata["table"] != table:
                    raise RecfeatError(f"{place} is no setting of the family; {self._say(table)}.")
                values[key] = _checked(known[key], value, place)
        return self.settings(**values)

    def _say(self, table: str) -> str:
        names = [f.name for f in fields(self.settings) if f.metadata["table"] == table]
        return f"[{table}] takes {', '.join(names)}" if names else f"[{table}] takes none"


def load_family(name: str) -> Family:
    """The family of a name; its module is imported.

    Raises:
        RecfeatError: there is none, or its module holds none.
    """
    names = FAMILIES.names(own_folder())
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise RecfeatError(f"No model family {name!r}; {meant}there are {', '.join(names)}.")
    family: Family = FAMILIES.load(name, own_folder(), "family", Family)
    return family


def _checked(of: Any, value: Any, place: str) -> Any:
    """The value as the setting takes it."""
    about, kind = of.metadata, int if of.default is None else type(of.default)
    value = tuple(value) if isinstance(value, list) else value
    value = float(value) if kind is float and type(value) is int else value
    if about["choices"] and value not in about["choices"]:
        allowed = ", ".join(map(str, about["choices"]))
        raise RecfeatError(f"{place} = {value!r}; it is one of {allowed}.")
    if type(value) is not kind:
        words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
        raise RecfeatError(f"{place} = {value!r}; it is {words.get(kind, kind.__name__)}.")
    if about["least"] is not None and value < about["least"]:
        raise RecfeatError(f"{place} = {value!r}; it is at least {about['least']}.")
    return value
