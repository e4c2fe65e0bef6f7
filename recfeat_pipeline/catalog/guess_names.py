"""What columns are called: the names by which ``recfeat init`` guesses what each one is."""

import re

import polars as pl

THINGS = (
    r"(item|movie|film|product|article|book|work|content|track|song|artist|album|game|app|video|"
    r"show|series|anime|manga|podcast|episode|business|venue|place|restaurant|hotel|listing|"
    r"recipe|dish|beer|wine|course|job|news|story|post|paper|document|doc|joke|offer|media)"
)
ORIGIN = r"(parent|original|source|full|display|primary)_"
ID = r"_?(id|no|nr|key)"
NAMES = {
    "user": r"(user|customer|member|reviewer|visitor|account|profile|client|player|reader|listener|"
    rf"viewer|buyer|shopper|person|subscriber)({ID})?|uid|session_?id|steam_?id",
    "item": rf"({ORIGIN})?({THINGS}({ID})?|asin|sku|isbn(_?1[03])?|iid|ean|upc|gtin|barcode)",
    "title": rf"({ORIGIN})?(({THINGS}_?)?(title|name)|headline)",
    "rating": r"rating|ratings|stars|score|overall|grade|user_?rating|review_?(score|rating)",
    "count": r"(play|listen|view|click|purchase|watch|order)?_?(count|counts|plays|listens|"
    r"quantity|weight)|n_?(plays|listens|views|clicks)|hours(_?played)?",
    "timestamp": r"timestamp|time|ts|date|datetime|(created|rated|viewed|event|watched|played|"
    r"read|bought|ordered|clicked|review|purchase|listen)_?(at|on|time|date|timestamp)|"
    r"unix_?review_?time",
    "position": r"position|order|sequence|seq|rank_in_session|step",
    "kind": r"event|event_?type|action|action_?type|behaviou?r|behaviou?r_?type|interaction_?type",
    "split": r"split|fold|subset",
    "year": rf"(({ORIGIN})?(release|publication|production|first_air)_?)?year|year_of_\w+|"
    rf"({ORIGIN})?(release|publication|first_air|published)_?date|released|published",
    "genres": r"genres?|categor(y|ies)",
    "imdb_id": r"imdb(_?id)?",
    "tmdb_id": r"tmdb(_?id)?",
    "tag": r"tag|tag_?name|keyword",
    "relevance": r"relevance|weight|score|count|strength",
}
"""What a column of each kind is called, in lower case with ``_`` between words."""

NO_TEXT = (
    r"(^|_)(id|ids|asin|isbn|isbn_?1[03]|ean|upc|gtin|sku|code|codes|url|urls|uri|link|href|image|"
    r"images|img|poster|photo|thumbnail|path|file|slug|hash|md5|language|lang|locale|country_code|"
    r"currency|title)$"
)
POPULARITY = r"revenue|gross|popularity|vote|rating|box_office|n_reviews|sales|rank"
CODE = r"^(?:[A-Z]{1,3}\d[\w-]*|\d[\dX-]{5,}|[a-z]{2}(?:[-_][A-Za-z]{2})?)$"


def is_named(column: str, kind: str) -> bool:
    """Whether a column has a name of a kind."""
    return re.fullmatch(NAMES[kind], snake(column)) is not None


def snake(name: str) -> str:
    """``movieId``, ``Movie ID`` and ``movie-id`` are one: ``movie_id``."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def looks_like_links(values: pl.Series) -> bool:
    """Whether the values are addresses or paths."""
    return values.dtype == pl.String and bool(values.head(50).str.contains(r"^(https?:|/)").all())


def looks_like_codes(values: pl.Series) -> bool:
    """Whether nine in ten are article numbers, ISBNs, languages or countries."""
    if values.dtype != pl.String:
        return False
    return int(values.head(500).str.contains(CODE).sum()) > 0.9 * len(values.head(500))
