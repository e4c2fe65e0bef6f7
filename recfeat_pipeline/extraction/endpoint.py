"""An endpoint and a model as this program speaks to them: what they teach is remembered."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from recfeat_pipeline.extraction.endpoints import profile_of
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import without_password

LEARNED = ("answer", "without", "renamed", "at_most")


class Endpoint:
    """What is sent to a base URL and a model.

    Args:
        base_url: the endpoint.
        model: as sent.
        profiles: the user's prompt folder, whose ``endpoints/`` come first.
    """

    def __init__(self, base_url: str, model: str, profiles: str | Path | None = None):
        self.base_url, self.model = without_password(base_url), model
        self.dialect = profile_of(base_url, model, profiles)
        self._lake: Lake | None = None
        self._note: Callable[[str], None] = lambda sentence: None

    def remember_in(self, lake: Lake, note: Callable[[str], None]) -> None:
        """Take up what was learned before in this lake, and keep there what is learned now."""
        self._lake, self._note = lake, note
        known = lake.read_note("endpoints", endpoint=self._name) or {}
        if known:
            learned = {name: known[name] for name in LEARNED}
            self.dialect = replace(self.dialect, **learned | {"without": tuple(learned["without"])})

    def learn(self, message: str, param: str | None, body: Mapping[str, Any]) -> bool:
        """Whether a refusal says how to ask instead; if so, later calls are sent that way."""
        taught = self.dialect.taught(message, param, body)
        if taught is None:
            return False
        self.dialect, what = taught
        self._note(f"{self.model} at {self.base_url} says “{message}”: {what} from now on.")
        if self._lake:
            known = {"base_url": self.base_url, "model": self.model, **asdict(self.dialect)}
            self._lake.write_note("endpoints", known, endpoint=self._name)
        return True

    @property
    def mark(self) -> str:
        """How answers were asked for, where it was not by a schema: for the ledger."""
        form = self.dialect.answer
        return "" if form == "json_schema" else f"/{form}"

    @property
    def _name(self) -> str:
        return hashlib.sha256(f"{self.base_url}|{self.model}".encode()).hexdigest()[:16]
