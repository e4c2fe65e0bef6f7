"""Sentences that tell what a work earned: popularity, the thing to be predicted, is never fed."""

import re

from recfeat_pipeline.text.clean import plain
from recfeat_pipeline.text.wikitext import languages

_AMOUNT = (
    r"(?:(?:over|about|around|nearly|almost|approximately|an? estimated|more than|just|some|only"
    r"|less than|under|a total of)\s+)*"
    r"(?:(?:US|A|C|HK|NT|NZ)?[$€£¥₹₩]\s?)?\d[\d,.]*\s?(?:million|billion|crores?|lakhs?|bn|m\b)"
)
_REVENUE = re.compile(
    r"\bbox[- ]office\b|\bopening (?:weekend|day)\b|\bticket sales\b"
    r"|\bgross(?:ed|es|ing)\b(?![- ]out)|\b(?:total|worldwide|domestic|final|theatrical) gross\b"
    r"|\bgross (?:of|revenues?|earnings?|receipts?)\b|\btheatrical rentals?\b"
    r"|\d[\d,.]* (?:million )?(?:admissions|tickets)\b"
    rf"|\b(?:earn(?:ed|s|ing)?|took in|taking in|collect(?:ed|s|ing)|rak(?:ed|ing) in)\b"
    rf"[^.]{{0,60}}?{_AMOUNT}"
    rf"|\b(?:made|making|makes)\s+(?:back\s+)?{_AMOUNT}"
    rf"|{languages.REVENUE}",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?][\"”’)\]]*\s+(?=[\"“‘(\[]?[A-Z0-9$€£])")


def sentences(line: str) -> list[str]:
    """The sentences of a line, each with the quotation marks and brackets that close it."""
    parts, start = [], 0
    for end in _END.finditer(line):
        parts.append(line[start : end.end()].rstrip())
        start = end.end()
    return [*parts, line[start:]]


def without_sentences(text: str, unwanted: re.Pattern[str]) -> str:
    """The text without the sentences in which a pattern is found."""
    lines = []
    for line in text.split("\n"):
        kept = [s for s in sentences(line) if not unwanted.search(s)]
        if kept or not line:
            lines.append(" ".join(kept))
    return plain("\n".join(lines))


def without_revenue(text: str) -> str:
    """The text without the sentences that tell what the work earned; budgets stay."""
    return without_sentences(text, _REVENUE)
