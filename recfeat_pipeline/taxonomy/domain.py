"""What a catalogue is a catalogue of, told by its ids and words.

So that the dimensions of films are not bought for gift cards.
"""

import polars as pl

from recfeat_pipeline.taxonomy.taxonomy import Taxonomy

SAMPLE = 2_000  # items looked at
FILM_IDS = 0.1  # share of items with an IMDb or TMDB id from which they are films
YEAR_TITLES = 0.5  # share of titles that end in a year from which they are films
LEAST, LEAD = 0.2, 1.5  # share of items that use a domain's words, and how far it leads the next
FILM = "film"

WORDS = {
    FILM: r"films?|movies?|directed|director|screenplay|starring|cast|cinema",
    "book": r"books?|novels?|author|isbn|publisher|chapters?|fiction|memoir|paperback|hardcover",
    "artist": r"artists?|albums?|bands?|singer|songs?|rock|pop|indie|electronic|hip.hop|jazz|metal",
    "game": r"games?|gameplay|players?|multiplayer|single-?player|steam|rpg|shooter|levels?",
    "article": r"news|article|reporters?|said|breaking|headline|editorial",
    "recipe": r"recipes?|cook|ingredients?|oven|tablespoons?|tsp|tbsp|minced|preheat|bake",
    "product": r"products?|brand|pack|price|gift ?cards?|shipping|size|beauty|skin|hair|kit|makeup|"
    r"warranty|oz|ml|inch|set of|shampoo|cream|accessor\w+|colou?rs?",
}
STARTERS = {
    domain: f"{name}-starter"
    for domain, name in (
        ("book", "books"), ("artist", "music"), ("game", "games"), ("article", "news"),
        ("recipe", "recipes"), ("product", "products"),
    )
}  # fmt: skip
"""The starter prompt version of each; its taxonomy has ``_`` for ``-``."""


def domain_of(items: pl.DataFrame, fields: pl.DataFrame) -> str | None:
    """What the items are, in a word of :data:`WORDS`; None where nothing tells.

    Args:
        items: ITEMS.
        fields: FIELDS of the catalogue's own text.
    """
    with_ids = items.select(pl.any_horizontal(pl.col("imdb_id", "tmdb_id").is_not_null()).mean())
    if items.is_empty() or (with_ids.item() or 0) >= FILM_IDS:
        return FILM if items.height else None
    years = items["title"].str.contains(r"\((19|20)\d\d(?:[-–]\d{0,4})?\)\s*$")
    if int(years.sum()) >= YEAR_TITLES * items.height:
        return FILM
    some = items.gather_every(max(items.height // SAMPLE, 1)).select("item_id")
    told = fields.join(some, on="item_id", how="semi").group_by("item_id").agg(
        pl.concat_str("label", "text", separator=" ").str.join(" ").alias("text")
    )  # fmt: skip
    if told.is_empty():
        return None
    shares = {
        domain: int(told["text"].str.contains(rf"(?i)\b(?:{words})\b").sum()) / told.height
        for domain, words in WORDS.items()
    }
    (best, share), (_, next_share) = sorted(shares.items(), key=lambda pair: -pair[1])[:2]
    return best if share >= LEAST and share >= LEAD * next_share else None


def suits(taxonomy: Taxonomy, domain: str | None) -> bool:
    """Whether a taxonomy may be scored on items of a domain.

    Only a taxonomy of films is refused: it is the default that nobody chose. One of another item
    was chosen, and a domain is a guess.
    """
    return taxonomy.item != FILM or domain == FILM


def starter_of(domain: str | None) -> str | None:
    """The starter prompt version of a domain; None without one."""
    return STARTERS.get(domain or "")


def plural(domain: str | None) -> str:
    """The domain's items, as a sentence names them."""
    return f"{domain}s" if domain else "items of a kind that its text does not tell"
