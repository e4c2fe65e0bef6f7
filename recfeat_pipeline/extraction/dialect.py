"""How an endpoint and a model want to be spoken to, and what a server's refusal teaches about it.

A dialect begins as a profile (:mod:`recfeat_pipeline.extraction.endpoints`). Where a server refuses
a parameter, its sentence says which; the call is then sent without it, and so is every later one.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from recfeat_pipeline.extraction.keys import sha256
from recfeat_pipeline.extraction.requests import messages
from recfeat_pipeline.extraction.types import Request

FORMS = ("json_schema", "json_object", "text")  # how an answer is asked for, strictest first
KEPT = {"model", "messages", "response_format", "stream"}  # never left out by name
CAPS = re.compile(r"max_\w*tokens|num_predict|n_predict")
FORM_REFUSED = re.compile(
    r"response.?format|schema|json.?(object|mode)|structured.?output|guided|grammar", re.IGNORECASE
)
USE_INSTEAD = re.compile(r"\buse [`'\"]?(\w+)[`'\"]? instead", re.IGNORECASE)
AT_MOST = re.compile(
    r"(?:at most|maximum(?: value)? (?:of|is|for .{0,40} is)|less than or equal to|<=|up to)\s*"
    r"(\d[\d,]*)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Dialect:
    """A profile, and what has been learned beyond it."""

    name: str = "openai-compatible"
    answer: str = "json_schema"  # one of FORMS
    without: tuple[str, ...] = ()  # parameters left out
    renamed: Mapping[str, str] = field(default_factory=dict)  # ours → the server's
    at_most: Mapping[str, int] = field(default_factory=dict)  # parameters with a ceiling
    cache_key: str | None = None  # the parameter that keeps equal prefixes on one machine
    reasoning_tokens: int = 0  # of an answer, billed and not seen: for estimates
    thinking_room: int = 0  # tokens added to the answer's cap, which counts the thoughts

    def params(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """A version's parameters as this server takes them."""
        out = {}
        for name, value in params.items():
            name = self.renamed.get(name, name)
            if name not in self.without:
                if CAPS.fullmatch(name) and _is_number(value):
                    value += self.thinking_room
                ceiling = self.at_most.get(name)
                out[name] = min(value, ceiling) if ceiling and _is_number(value) else value
        return out

    def body(
        self, request: Request, attempt: int = 0, reminder: str | None = None
    ) -> dict[str, Any]:
        """The JSON body of a call.

        The seed moves with the attempt, so that a re-ask is a new one. A form of answer that does
        not carry the schema has it in the instructions.
        """
        asked, params = request.question, dict(request.params)
        if attempt and "seed" in params:
            params["seed"] += attempt
        chat = messages(request, reminder)
        if self.answer != "json_schema":
            schema = json.dumps(asked.schema, separators=(",", ":"))
            chat[0]["content"] += f"\n\nAnswer with one JSON object of this JSON schema:\n{schema}"
        body: dict[str, Any] = {"model": request.model, "messages": chat}
        if self.answer == "json_schema":
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": asked.group, "schema": asked.schema, "strict": True},
            }
        elif self.answer == "json_object":
            body["response_format"] = {"type": "json_object"}
        if self.cache_key and self.cache_key not in self.without:
            body[self.cache_key] = f"recfeat-{sha256(asked.system)[:16]}"
        return body | self.params(params)

    def taught(
        self, message: str, param: str | None, body: Mapping[str, Any]
    ) -> "tuple[Dialect, str] | None":
        """The dialect after a refusal, and what changed, in words; None: it says nothing new.

        Args:
            message: the server's sentence.
            param: the parameter that it names by itself.
            body: what was refused.
        """
        text = f"{param or ''} {message}"
        named = [name for name in body if name not in KEPT and _names(text, name)]
        instead = USE_INSTEAD.search(message)
        if named and instead and instead[1] != named[0]:
            changed = replace(self, renamed={**self.renamed, named[0]: instead[1]})
            return changed, f"{named[0]} is sent as {instead[1]}"
        ceiling = AT_MOST.search(message)
        for name in filter(CAPS.fullmatch, named):
            most = int(ceiling[1].replace(",", "")) if ceiling else 0
            if 0 < most < body[name]:
                changed = replace(self, at_most={**self.at_most, name: most})
                return changed, f"{name} is at most {most}"
        if named:
            changed = replace(self, without=(*self.without, *named))
            return changed, f"{' and '.join(named)} {'is' if len(named) == 1 else 'are'} left out"
        if FORM_REFUSED.search(text) and self.answer != FORMS[-1]:
            form = FORMS[FORMS.index(self.answer) + 1]
            words = "a JSON object" if form == "json_object" else "text"
            changed = replace(self, answer=form)
            return changed, f"answers are asked for as {words}, with the schema in the prompt"
        return None


def _names(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
