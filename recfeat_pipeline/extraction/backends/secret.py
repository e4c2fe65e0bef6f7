"""Keeping the API key out of everything that is kept or shown."""

import json
import re
from urllib.parse import quote

HIDDEN = "[API key]"
BRIEF = 200  # characters
SHORTEST = 12  # characters; shorter ones ("EMPTY", "ollama") are placeholders, and words of answers
KEY_LIKE = re.compile(r"\b(sk|key|Bearer)[-_ ][A-Za-z0-9_\-*.]{16,}")


class Secret:
    """An API key that does not show itself, and hides its traces in text.

    A server may echo the key in an error or an answer; nothing of a response may be kept, logged
    or raised before :meth:`hide`.
    """

    def __init__(self, value: str | None):
        self.given = bool(value)
        self._value = value = value or "none"  # a server of one's own may want any key
        forms = {value, quote(value, safe=""), json.dumps(value)[1:-1]}
        self._forms = sorted(forms if len(value) >= SHORTEST else (), key=len, reverse=True)

    def __repr__(self) -> str:
        return "Secret(…)"

    def reveal(self) -> str:
        """The key itself, for the Authorization header and nothing else."""
        return self._value

    def hide(self, text: str) -> str:
        """The text with the key, whole or URL-encoded, replaced."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return text

    def brief(self, text: str) -> str:
        """One short line of a server's message, without the key or anything like one."""
        line = KEY_LIKE.sub(HIDDEN, " ".join(self.hide(text).split()))
        return line if len(line) <= BRIEF else line[: BRIEF - 1] + "…"
