"""Nothing enters the store unchecked: finish reason, JSON, schema, ranges, identity, degeneracy."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.types import Answer, Request
from recfeat_pipeline.taxonomy.read import build_taxonomy

MAX_CHARS = 200_000  # of an answer; a valid one has a few thousand
PROFILE_CHARS = (20, 1_000)
N_TAGS = 4
TAG_CHARS = 60
EXPANSION_CHARS = (20, 3_000)
MOST_ATTRIBUTES = 12

FINAL = {"content_filter", "refusal"}  # asked again, the answer would be the same

# How dialects call the end of an answer; any other name ("stop", "eos", "end_turn", "STOP", …) is
# let pass, for the answer itself is checked.
CUT = {"length", "max_tokens", "model_length", "token_limit", "max_output_tokens", "max_length"}
FILTERED = {
    "content_filter", "content-filter", "safety", "recitation", "blocklist", "prohibited_content",
    "spii", "guardrail_intervened", "image_safety", "sensitive", "moderation",
}  # fmt: skip
REFUSED = {"refusal"}
BROKEN = {"error", "abort", "aborted", "cancelled", "malformed_function_call", "load"}

REMINDERS = {
    "length": "Keep the answer short: the JSON object only, no blanks, no explanation.",
    "not_json": "Answer with one JSON object and nothing before or after it.",
    "schema": "Give exactly the properties that were asked for, each once, with their exact names.",
    "range": "Every score must be a number from 0 to 1.",
    "identity": "Your answer was about another document. Copy the identity from this one exactly.",
    "taxonomy": "Every name is there once, in small letters a to z, digits and '_'; every group "
    "has dimensions, and every dimension a gloss of one short line.",
    "ranking": "Give numbers from the list of candidates, each at most once, best first.",
    "degenerate": "Judge each dimension on its own; equal or middling scores throughout are wrong.",
}


class InvalidError(Exception):
    """An answer that must not be stored; ``reason`` is one word, the text says more."""

    def __init__(self, reason: str, detail: str):
        super().__init__(f"{reason}: {detail}")
        self.reason = reason

    @property
    def reminder(self) -> str:
        """What the next, fresh ask says in addition."""
        return f"Reminder: {REMINDERS.get(self.reason, REMINDERS['schema'])}"


def check(answer: Answer, request: Request) -> dict[str, Any]:
    """The parsed answer, fit to be stored.

    Raises:
        InvalidError: it is not; the reason says why.
    """
    if said := moderated(answer):
        raise InvalidError(*said)
    ended = _ended(answer)
    if ended in CUT:
        raise InvalidError("length", "the answer was cut at max_tokens")
    if ended in BROKEN:
        raise InvalidError("finish_reason", f"ended with {answer.finish_reason!r}"[:100])
    return check_content(answer.content, request)


def moderated(answer: Answer) -> tuple[str, str] | None:
    """Whether the document was minded: the reason in a word and in a sentence; None: it was not."""
    ended = _ended(answer)
    if ended in FILTERED:
        return "content_filter", "the provider's filter stopped the answer"
    if answer.refusal or ended in REFUSED:
        return "refusal", "the model refused"
    return None


def _ended(answer: Answer) -> str:
    return (answer.finish_reason or "").lower().removeprefix("finish_reason_")


def check_content(content: str | None, request: Request) -> dict[str, Any]:
    """:func:`check` of the text alone; what reading the ledger repeats.

    Raises:
        InvalidError: it is not what was asked for.
    """
    if not content or not content.strip():
        raise InvalidError("not_json", "the answer is empty")
    if len(content) > MAX_CHARS:
        raise InvalidError("too_long", f"the answer has {len(content):,} characters")
    parsed = parse(content)
    schema = request.question.schema
    if not request.question.fits(parsed):
        error = next(request.question.validator.iter_errors(parsed))
        where = "/".join(map(str, error.absolute_path)) or "the answer"
        raise InvalidError("schema", f"{where}: {error.message}"[:300])
    if "scores" in schema["properties"]:
        _check_scores(parsed["scores"])
    elif "groups" in schema["properties"]:
        _check_taxonomy(parsed)
    elif "ranking" in schema["properties"]:
        _check_ranking(parsed["ranking"], n_candidates(request.document))
    elif "profile" in schema["properties"]:
        _check_profile(parsed)
    elif "description" in schema["properties"]:
        _check_expansion(parsed)
    for echo, same in (("title", same_title), ("opening", same_opening)):
        if echo in parsed and request.identity and not same(parsed[echo], request.identity):
            raise InvalidError("identity", f"the answer names {parsed[echo][:80]!r}")
    return parsed


def parse(content: str) -> Any:
    """Strict JSON: no NaN, no name twice.

    A byte-order mark, a code fence or thoughts before it (the end of which may be all that is left
    of them) are let pass.

    Raises:
        InvalidError: it is not JSON.
    """
    text = content.lstrip("\ufeff \t\r\n")
    if not text.startswith("{"):  # an answer's own text may speak of thoughts
        text = text.rpartition("</think>")[2]
    text = text.strip("\ufeff \t\r\n")
    if text.startswith("```"):
        text = re.sub(r"\A```\w*\s*|\s*```\Z", "", text)
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_repeats)
    except (ValueError, RecursionError) as error:
        raise InvalidError("not_json", str(error)[:200]) from error


def same_title(answered: str, title: str) -> bool:
    """Whether an echo names the document's title: same words, whatever their case and order.

    Articles, accents, punctuation and the year may be left out; "Alien" is not "Aliens", and
    "Toy Story" is not "Toy Story 2". Two different years are two different items.
    """
    if answered == title:
        return True
    years = [re.findall(r"\((\d{4})\)", text)[-1:] for text in (answered, title)]
    if all(years) and years[0] != years[1]:
        return False
    ours, theirs = _title_forms(title), _title_forms(answered)
    return bool(ours & theirs)


def same_opening(answered: str, opening: str) -> bool:
    """Whether the echo is the document's first words, as far as both go (a label may precede)."""
    ours = _words(opening)
    for text in (answered, answered.partition(":")[2]):
        theirs = _words(text)
        n = min(len(ours), len(theirs))
        if n >= min(3, len(ours)) and ours[:n] == theirs[:n]:
            return True
    return not ours


def _check_scores(scores: Mapping[str, float]) -> None:
    for dimension, score in scores.items():
        if not 0 <= score <= 1:
            raise InvalidError("range", f"{dimension} = {score!r:.30} is not between 0 and 1")
    values = list(scores.values())
    if len(values) >= 4 and len(set(values)) == 1 and values[0] != 0:
        raise InvalidError("degenerate", f"all {len(values)} scores are {values[0]}")
    middling = sum(0.45 <= value <= 0.55 for value in values)
    if len(values) >= 8 and middling > len(values) / 2:
        raise InvalidError("degenerate", f"{middling} of {len(values)} scores lie at 0.5")


def _check_profile(parsed: Mapping[str, Any]) -> None:
    low, high = PROFILE_CHARS
    if not low <= len(parsed["profile"].strip()) <= high:
        raise InvalidError("range", f"the profile has not between {low} and {high} characters")
    tags: Sequence[str] = [tag.strip().casefold() for tag in parsed["tags"]]
    if len(set(tags)) != N_TAGS or len(tags) != N_TAGS:
        raise InvalidError("range", f"{len(set(tags))} different tags, not {N_TAGS}")
    if not all(0 < len(tag) <= TAG_CHARS for tag in tags):
        raise InvalidError("range", f"a tag is empty or longer than {TAG_CHARS} characters")


def _check_expansion(parsed: Mapping[str, Any]) -> None:
    low, high = EXPANSION_CHARS
    if not low <= len(parsed["description"].strip()) <= high:
        raise InvalidError("range", f"the description has not between {low} and {high} characters")
    attributes = [attribute.strip() for attribute in parsed["attributes"]]
    if not 1 <= len(attributes) <= MOST_ATTRIBUTES:
        raise InvalidError("range", f"{len(attributes)} attributes, not 1 to {MOST_ATTRIBUTES}")
    if not all(0 < len(attribute) <= TAG_CHARS for attribute in attributes):
        raise InvalidError("range", f"an attribute is empty or longer than {TAG_CHARS} characters")


def _check_taxonomy(parsed: Mapping[str, Any]) -> None:
    try:
        build_taxonomy({"name": "draft", "groups": parsed["groups"]}, "in the answer")
    except RecfeatError as error:
        raise InvalidError("taxonomy", str(error)[:300]) from error


def n_candidates(document: str) -> int:
    """How many candidates a document lists: its last line begins with the number of the last."""
    last = re.match(r"(\d+)\. ", document.rpartition("\n")[2])
    return int(last[1]) if last else 0


def _check_ranking(numbers: Sequence[int], n: int) -> None:
    if not numbers:
        raise InvalidError("ranking", "no candidate is named")
    if strange := [number for number in numbers if not 1 <= number <= n]:
        raise InvalidError("ranking", f"{strange[0]!r:.30} is none of the candidates 1 to {n}")
    if len(set(numbers)) < len(numbers):
        raise InvalidError("ranking", "a candidate is named twice")


def _title_forms(title: str) -> set[tuple[str, ...]]:
    """Sorted words of the title with its parentheses, and without them; never empty of words."""
    no_year = re.sub(r"\(\d{4}\)\s*$", "", title.strip())
    forms = (no_year, re.sub(r"\([^()]*\)", " ", no_year), title)
    return {tuple(sorted(words)) for form in forms if (words := _words(form, articles=False))}


def _words(text: str, articles: bool = True) -> list[str]:
    folded = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in folded if not unicodedata.combining(c)).replace("'", "")
    words = re.findall(r"[^\W_]+", plain)
    kept = [word for word in words if articles or word not in ("the", "a", "an")]
    return kept or words


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a name is given twice")
    return out
