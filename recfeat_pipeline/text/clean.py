"""Plain text and plain titles from what strangers wrote.

Nothing that comes from a source may act as markup, a path or a query further on: fields leave this
package as printable text.
"""

import html
import re
import unicodedata

from anyascii import anyascii

_BREAK = re.compile(r"</?(br|p|div|li|tr|h\d)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_BROKEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]"
)  # controls, lone surrogates
_SPACE = re.compile(r"[^\S\n]+")
_UNREADABLE = re.compile(r"[\u0590-\u06ff\u3400-\u9fff\uf900-\ufaff]")
_YEAR_AT_END = re.compile(r"\s*\((\d{4})\)\s*$")
_OTHER_NAMES = re.compile(r"\s*\([^()]*\)")
_ARTICLE = re.compile(
    r"^(.*), (The|A|An|Le|La|Les|L'|Il|Lo|I|Gli|El|Los|Las|Der|Die|Das|Den|Det|De|Het|O|Os|As)$",
    re.IGNORECASE,
)


def plain(text: object) -> str:
    """Text without tags, entities and control characters; "" for what is no text."""
    if not isinstance(text, str):
        return ""
    text = without_spans(html.unescape(text), "<!--", "-->")
    text = html.unescape(_TAG.sub("", _BREAK.sub(" ", text)))
    text = unicodedata.normalize("NFC", _BROKEN.sub("", text.replace("\r\n", "\n")))
    lines = (_SPACE.sub(" ", line).strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def without_spans(text: str, start: str, end: str) -> str:
    """The text without what stands between the marks, in linear time however it is nested."""
    parts, at = [], 0
    while (opened := text.find(start, at)) >= 0 and (closed := text.find(end, opened)) >= 0:
        parts.append(text[at:opened])
        at = closed + len(end)
    return "".join([*parts, text[at:]])


def plain_title(title: str) -> str:
    """The title as a film page has it: ``"Big Sleep, The (1946)"`` → ``"The Big Sleep"``."""
    title = _OTHER_NAMES.sub("", _YEAR_AT_END.sub("", title)).strip()
    if match := _ARTICLE.match(title):
        name, article = match.groups()
        title = article + ("" if article.endswith("'") else " ") + name
    return title


def year_in_title(title: str) -> int | None:
    """The year that ends a title: ``"Heat (1995)"`` → 1995."""
    match = _YEAR_AT_END.search(title)
    return int(match[1]) if match else None


def fold(text: str) -> str:
    """Latin letters and digits only, without accents and case: for comparing names and titles.

    Other alphabets are transliterated ("Тарковский" → "tarkovskiy"); scripts that do not tell how
    a name sounds (:func:`is_readable`) are kept as they are.
    """
    text = unicodedata.normalize("NFKD", text.casefold())
    text = "".join(c for c in text if not unicodedata.combining(c))
    if not text.isascii() and is_readable(text):
        text = anyascii(unicodedata.normalize("NFC", text)).casefold()
    return " ".join(re.findall(r"[^\W_]+", text))


def is_readable(text: str) -> bool:
    """Whether the letters tell the sound: Chinese characters, Arabic and Hebrew do not."""
    return not _UNREADABLE.search(text)
