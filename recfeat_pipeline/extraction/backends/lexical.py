"""The embedded extractor: no LLM, the document's own words against each dimension's own words.

It exists so that the whole pipeline runs without a key or a network. Its scores say how much of a
dimension's vocabulary (its name, its curated tags, its gloss) a document uses; rare words count
more, the title and short fields count more than prose. It is deterministic and labelled
``lexical-v1`` wherever its scores go.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from recfeat_pipeline.extraction.tokens import rough_tokens
from recfeat_pipeline.extraction.types import LEXICAL, Answer, Request, Usage
from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.taxonomy import Dimension, Group

# A label such as "Keywords" is someone's judgement of the item; prose only mentions.
FIELD_WEIGHT = {"Genres": 3.0, "Keywords": 3.0, "Title": 1.5, "Tagline": 1.0, "Overview": 1.5}
PROSE_WEIGHT = 0.5
CURATED_PHRASE, GLOSS_WORD = 1.0, 0.2
HALF = 2.2  # evidence that gives a score of 0.5
LONGEST_PHRASE = 4  # words

STOP = {
    "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "does", "for",
    "from", "has", "have", "her", "his", "how", "if", "in", "into", "is", "it", "its", "more",
    "no", "not", "of", "on", "one", "or", "out", "over", "so", "some", "someone", "than",
    "that", "the", "their", "them", "there", "they", "this", "through", "to", "up", "was",
    "what", "where", "which", "who", "whole", "with", "would", "film", "films", "movie",
    "movies", "drive", "drives", "carries", "matter", "matters", "carry", "itself", "stated",
    "text", "says", "made", "set", "world", "like", "plot", "story", "people", "things",
    "thing", "means", "mean", "many", "most", "another",
}  # fmt: skip
WORD = re.compile(r"[^\W_]+")
TAKEN = re.compile(r"^\d+\. (.+?)(?:, rated (\d+(?:\.\d+)?))?$", re.MULTILINE)
"""A line of a user's history."""


@dataclass(frozen=True)
class _Lexicon:
    """Stemmed phrases of one dimension, with the evidence one occurrence gives."""

    dimension: str
    phrases: dict[tuple[str, ...], float]


class LexicalBackend:
    """Answers from the document's own words, at once."""

    name = "lexical"
    model = LEXICAL
    instant = True
    endpoint = None

    def __init__(self, version: PromptVersion):
        groups = version.taxonomy.groups if version.taxonomy else ()
        self._lexicons = {group.name: _lexicons(group) for group in groups}
        self._lexicons["all"] = [one for group in self._lexicons.values() for one in group]
        self._counted: tuple[str, dict[tuple[str, ...], float]] = ("", {})

    async def ask(self, request: Request, attempt: int, reminder: str | None) -> Answer:
        """Score the request's document; the same request always gets the same answer."""
        echo = next(iter(request.question.schema["properties"]))
        body: dict[str, object] = {echo: request.identity or ""}
        if request.question.group in self._lexicons:
            body["scores"] = self.score(request.question.group, request.document)
        elif "description" in request.question.schema["properties"]:
            found = summarise(request.document)
            body |= {"description": found["profile"], "attributes": found["tags"]}
        else:
            body |= summarise(request.document)
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        usage = Usage(rough_tokens(request.document), 0, rough_tokens(content))
        return Answer(content, usage=usage)

    def of_model(self, model: str) -> "LexicalBackend":
        """See :class:`Backend`; there is one lexical extractor."""
        return self

    async def close(self) -> None:
        """Nothing to give back."""

    def score(self, group: str, document: str) -> dict[str, float]:
        """Scores of one group's dimensions, one decimal each."""
        counts = self._counts(document)
        scores = {}
        for lexicon in self._lexicons[group]:
            evidence = sum(
                weight * counts[phrase]
                for phrase, weight in lexicon.phrases.items()
                if phrase in counts
            )
            scores[lexicon.dimension] = round(1 - 2 ** (-evidence / HALF), 1)
        return scores

    def _counts(self, document: str) -> dict[tuple[str, ...], float]:
        """Weight of every phrase; kept for the document's other groups, which come next."""
        if self._counted[0] != document:
            counts: dict[tuple[str, ...], float] = {}
            for line in document.split("\n"):
                label, _, text = line.partition(": ")
                weight = FIELD_WEIGHT.get(label, PROSE_WEIGHT)
                for phrase, n in Counter(_ngrams(_stems(text))).items():
                    counts[phrase] = counts.get(phrase, 0.0) + weight * (1 + math.log(n))
            self._counted = document, counts
        return self._counted[1]


def summarise(document: str) -> dict[str, object]:
    """Two sentences and four tags cut from the document: what a profile is without an LLM."""
    if taken := TAKEN.findall(document):
        return _of_history(taken)
    fields = dict(line.partition(": ")[::2] for line in document.split("\n"))
    prose = next(
        (fields[label] for label in ("Overview", "Plot", "Wikipedia") if fields.get(label)),
        document,
    )
    sentences = re.split(r"(?<=[.!?])\s+", re.sub(r"\s+", " ", prose))
    profile = " ".join(sentences[:2])[:900].strip() or "No text."
    listed = ", ".join(fields.get(label, "") for label in ("Keywords", "Genres"))
    tags = [tag.strip().lower()[:60] for tag in listed.split(",") if tag.strip()]
    spare = ["general", "catalogue", "item", "untagged"]
    distinct = list(dict.fromkeys([*tags, *spare]))[:4]
    return {"profile": profile.ljust(20, "."), "tags": distinct}


def _of_history(taken: list[tuple[str, str]]) -> dict[str, object]:
    """The same of a user's history: its titles, and which of them were rated below the mean."""
    ratings = [float(rating) for _, rating in taken if rating]
    mean = sum(ratings) / len(ratings) if ratings else 0.0
    low = [title for title, rating in taken if rating and float(rating) < mean]
    liked = [title for title, rating in taken if not rating or float(rating) >= mean]
    told = f"Seeks what is like {', '.join(liked)}."[:600]
    avoided = f" Rates low {', '.join(low)}."[:300] if low else " Rates nothing low."
    return {"profile": told + avoided, "tags": ["untagged", "history", "titles", "no model"]}


def _lexicons(group: Group) -> list[_Lexicon]:
    """Weights fall with the number of the group's dimensions that share a word (an IDF)."""
    n = len(group.dimensions)
    spread = Counter(
        stem for dim in group.dimensions for stem in {*_stems(f"{dim.name} {dim.gloss}")}
    )
    lexicons = []
    for dim in group.dimensions:
        phrases: dict[tuple[str, ...], float] = {}
        if not group.factual_only:
            for stem in set(_stems(dim.gloss)):
                phrases[(stem,)] = GLOSS_WORD * math.log(1 + n / spread[stem]) / math.log(1 + n)
        for phrase in _curated(dim):
            phrases[phrase] = CURATED_PHRASE
        lexicons.append(_Lexicon(dim.name, phrases))
    return lexicons


def _curated(dim: Dimension) -> Iterable[tuple[str, ...]]:
    for text in (dim.name.replace("_", " "), *dim.genome_tags):
        if stems := tuple(_stems(text)):
            yield stems


def _stems(text: str) -> list[str]:
    return [_stem(w) for w in WORD.findall(text.casefold()) if w not in STOP and len(w) > 1]


def _stem(word: str) -> str:
    """A few endings off, so that "robots" meets "robot" and "funnier" does not meet "fun"."""
    for ending, least in (("ies", 4), ("es", 5), ("s", 4), ("ing", 6), ("ed", 6)):
        if word.endswith(ending) and len(word) >= least + 1 and not word.endswith("ss"):
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word


def _ngrams(stems: list[str]) -> Iterable[tuple[str, ...]]:
    for n in range(1, LONGEST_PHRASE + 1):
        yield from zip(*(stems[i:] for i in range(n)), strict=False)
