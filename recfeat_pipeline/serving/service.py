"""What is served, as plain calls: the HTTP and the MCP server are two doors to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from recfeat_pipeline.ask.ranking import answer
from recfeat_pipeline.ask.reading import read_turns
from recfeat_pipeline.ask.shelf import Shelf
from recfeat_pipeline.ask.taste import QUESTION
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.explore.library import Library
from recfeat_pipeline.explore.queries import (
    content_neighbours,
    fingerprint,
    search_items,
    shared_dimensions,
)
from recfeat_pipeline.explore.recommend import Recommender
from recfeat_pipeline.reranking.showing import titles
from recfeat_pipeline.serving.llm import CANDIDATES, LLM


class NotFound(RecfeatError):
    """There is no such item or arm."""


class NoLLM(RecfeatError):
    """An LLM was wanted, and none is asked here."""


@dataclass(frozen=True)
class Filters:
    """Rules that every line of a list keeps."""

    genres: tuple[str, ...] = ()  # any of them
    not_genres: tuple[str, ...] = ()  # none of them
    first_year: int | None = None
    last_year: int | None = None
    exclude: frozenset[str] = frozenset()  # item ids, beside those of the history


@dataclass(frozen=True)
class Service:
    """One state of a lake, ready to answer; it is replaced whole when the store is built anew.

    Attributes:
        library: items and scores.
        shelf: the same items' texts and scores, for words.
        version: the prompt version whose scores are served.
        recommenders: by arm id, the trained arm, loaded when it is first asked.
        built: which build of the store this is.
        llm: who may be asked, where a request wants that; None: nobody.
    """

    library: Library
    shelf: Shelf
    version: str
    recommenders: Mapping[str, Callable[[], Recommender]]
    built: str = ""
    llm: LLM | None = None
    _loaded: dict[str, Recommender] = field(default_factory=dict, repr=False, compare=False)

    def warm(self) -> None:
        """Do what a first request would wait for: load the leading arm, score, read words."""
        if self.recommenders and len(self.library.row_of_index):
            self._recommender(None)[1].scores([0])
        if self.library.items.height:
            item = self._item(0)
            self.neighbours(item["item_id"], 1)
            self.ask([str(item["title"])], 1)

    def about(self) -> dict[str, Any]:
        """What is served."""
        return {
            "items": self.library.items.height,
            "genres": self._genres_of_all,
            "version": self.version,
            "model": self.library.models.get(self.version),
            "arms": list(self.recommenders),
            "llm": self.llm.model if self.llm else None,
            "built": self.built,
        }

    def search(self, words: str, k: int = 10) -> list[dict[str, Any]]:
        """Items whose titles hold the words."""
        return [self._item(row) for row in search_items(self.library, words, k)]

    def item(self, item_id: str) -> dict[str, Any]:
        """An item with its scores of .1 and more, by group."""
        row = self._row(item_id)
        groups = fingerprint(self.library, self.version, row)
        scores = {group: {s.dimension: round(s.score, 3) for s in of} for group, of in groups}
        return {**self._item(row), "genres": self._genres(row), "scores": scores}

    def neighbours(self, item_id: str, k: int = 10) -> list[dict[str, Any]]:
        """The items with the most similar scores, and the dimensions that both score high on."""
        near = content_neighbours(self.library, self.version, self._row(item_id), k)
        return [
            {**self._item(n.row), "similarity": n.similarity, "shared": list(n.shared)}
            for n in near
        ]

    def recommend(
        self,
        history: Sequence[str],
        arm: str | None = None,
        k: int = 10,
        filters: Filters | None = None,
        explain: bool = False,
        rerank: bool = False,
    ) -> dict[str, Any]:
        """The best ``k`` items for someone with this history, the newest item last.

        Ids that no trained arm knows are passed over and returned as ``unknown``, genres that no
        item has as ``unknown_genres``. With ``explain``, a line has the ``reasons`` of an arm that
        can say what moved its score, and the dimensions that it and the history score high on as
        ``shared``: stored scores, whatever the arm made of them. With ``rerank``
        an LLM orders the best 30; where it does not answer in time, the arm's order stands and
        ``llm`` says so.

        Raises:
            NotFound: there is no such arm, or none has been trained.
            NoLLM: ``rerank``, and this server asks no LLM.
        """
        llm = self._llm() if rerank else None
        filters = filters or Filters()
        passed_over = {"unknown_genres": self._unknown_genres(filters)}
        name, recommender = self._recommender(arm)
        known = {id_: self.library.row_of(id_) for id_ in dict.fromkeys(history)}
        index = self.library.items["item_index"]
        indices = {i: index[row] for i, row in known.items() if row is not None}
        liked = [place for place in indices.values() if place is not None]
        unknown = [id_ for id_ in known if indices.get(id_) is None]
        if not liked:
            return {"arm": name, "items": [], "unknown": unknown, "llm": None, **passed_over}
        allowed = self._allowed(filters)[self.library.row_of_index]
        allowed[liked] = False
        wanted = max(k, CANDIDATES) if llm else k
        best, scores = recommender.best(liked, wanted, allowed)
        score_of = dict(zip(best.tolist(), scores.tolist(), strict=True))
        ordered = None
        if llm and len(best):
            ordered = llm.order(liked, best[:CANDIDATES], self._names, self._ids)
        if ordered is not None:
            best[:CANDIDATES] = ordered
        scored, names = self.library.scores[self.version], self.library.names(self.version)
        rows = [row for row in known.values() if row is not None]
        taken = np.nan_to_num(scored[rows]).mean(0) if explain else np.empty(0)
        items = []
        for place in best[:k]:
            row = int(self.library.row_of_index[place])
            line = {**self._item(row), "score": score_of[int(place)]}
            if explain:
                drivers = recommender.drivers(liked, int(place), 4)
                line["reasons"] = [{"feature": n, "effect": effect} for n, effect in drivers]
                line["shared"] = shared_dimensions(names, taken, scored[row])
            items.append(line)
        said = _said(llm, ordered)
        return {"arm": name, "items": items, "unknown": unknown, "llm": said, **passed_over}

    def ask(
        self,
        turns: Sequence[str],
        k: int = 10,
        filters: Filters | None = None,
        read_by_llm: bool = False,
    ) -> dict[str, Any]:
        """Items that answer the words, each with its reasons; a question where they say nothing.

        Words are matched by name, or where ``read_by_llm``, by an LLM if it answers in time.

        Raises:
            NoLLM: ``read_by_llm``, and this server asks no LLM.
        """
        llm = self._llm() if read_by_llm else None
        read = llm.read(self.shelf, turns) if llm else None
        taste = read or read_turns(self.shelf, turns)
        filters = filters or Filters()
        said = {
            "taste": asdict(taste),
            "llm": _said(llm, read),
            "unknown_genres": self._unknown_genres(filters),
        }
        if taste.says_nothing:
            return {"items": [], "question": QUESTION, **said}
        allowed = self._allowed(filters)
        lines = answer(self.shelf, taste, k, among=allowed)
        items = [
            {**self._item(line.row), "score": line.score, "reasons": list(line.reasons)}
            for line in lines
        ]
        return {"items": items, "question": None, **said}

    def _llm(self) -> LLM:
        if self.llm is None:
            raise NoLLM("This server asks no LLM: it was started without --llm.")
        return self.llm

    def _recommender(self, arm: str | None) -> tuple[str, Recommender]:
        if not self.recommenders:
            raise NotFound("No arm has been trained yet: `recfeat run` trains them.")
        name = arm or next(iter(self.recommenders))
        if name not in self.recommenders:
            there = ", ".join(self.recommenders)
            raise NotFound(f"No arm {name!r} has been trained; there are {there}.")
        if name not in self._loaded:
            self._loaded[name] = self.recommenders[name]()
        return name, self._loaded[name]

    def _allowed(self, filters: Filters) -> np.ndarray:
        """Which rows keep the rules: bool [items]."""
        year = self._years
        allowed = np.ones(len(year), bool)
        if filters.first_year is not None:
            allowed &= year >= filters.first_year
        if filters.last_year is not None:
            allowed &= (year <= filters.last_year) & (year > 0)
        for names, wanted in ((filters.genres, True), (filters.not_genres, False)):
            if names:
                held = np.zeros(len(year), bool)
                for name in names:
                    held[self._rows_of_genre.get(name.casefold(), [])] = True
                allowed &= held == wanted
        rows = [row for i in filters.exclude if (row := self.library.row_of(i)) is not None]
        allowed[rows] = False
        return allowed

    @cached_property
    def _names(self) -> list[str]:
        """Of the corpus, by item index."""
        return titles(self.library.items[self.library.row_of_index])

    @cached_property
    def _ids(self) -> pl.Series:
        return self.library.items["item_id"].gather(self.library.row_of_index)

    @cached_property
    def _years(self) -> np.ndarray:
        return self.library.items["year"].fill_null(0).to_numpy()

    @cached_property
    def _rows_of_genre(self) -> dict[str, list[int]]:
        """By folded name. Looked up once: of a million items that took half a second a request."""
        told = self.library.items.select("genres").with_row_index("row").explode("genres")
        rows = told.drop_nulls().group_by("genres").agg("row")
        found: dict[str, list[int]] = {}
        for name, of in rows.select("genres", "row").iter_rows():
            found.setdefault(name.casefold(), []).extend(of)
        return found

    def _unknown_genres(self, filters: Filters) -> list[str]:
        wanted = (*filters.genres, *filters.not_genres)
        return [name for name in wanted if name.casefold() not in self._rows_of_genre]

    @cached_property
    def _genres_of_all(self) -> list[str]:
        return self.library.items["genres"].explode().drop_nulls().unique().sort().to_list()

    def _genres(self, row: int) -> list[str]:
        return self.library.items.row(row, named=True)["genres"] or []

    def _row(self, item_id: str) -> int:
        row = self.library.row_of(item_id)
        if row is None:
            raise NotFound(f"There is no item {item_id!r}.")
        return row

    def _item(self, row: int) -> dict[str, Any]:
        about = self.library.items.row(row, named=True)
        return {"item_id": str(about["item_id"]), "title": about["title"], "year": about["year"]}


def _said(llm: LLM | None, answered: object) -> dict[str, Any] | None:
    """Who was asked, and whether an answer came in time; None: nobody was."""
    return {"model": llm.model, "answered": answered is not None} if llm else None
