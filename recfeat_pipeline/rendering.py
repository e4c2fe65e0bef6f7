"""Text as a prompt shows it: cleaned, labelled, cut at a word. Shared by all that ask a model.

Text is stored whole and cut only here, at feed time, so a prompt version with other cuts needs no
new scrape. Everything is vectorised.
"""

import html
from collections.abc import Mapping, Sequence
from hashlib import sha256

import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.schemas import DOCUMENTS

Cuts = Mapping[str, str | int]
"""Label → longest text: characters (``1500``) or leading names of a list (``"8 names"``)."""

DEFAULT_CUTS: Cuts = {
    "Plot": 1500,
    "Reception": 600,
    "Awards": 600,
    "Cast": "8 names",
    "*": 1500,  # any other label
}

OPTIONAL = ("Reviews",)
"""Labels that are shown only by a prompt version whose cuts (or labels) name them: what people say
of an item is fed on purpose, or not at all."""

# Controls, zero-width and direction marks, and the invisible "tag" letters used to hide prompts.
# Joiners (U+200C, U+200D) stay: several scripts are spelt with them.
UNSEEN = (
    r"[\x00-\x08\x0E-\x1F\x7F-\x84\x86-\x9F\x{AD}\x{200B}\x{200E}\x{200F}\x{202A}-\x{202E}"
    r"\x{2060}-\x{206F}\x{FEFF}\x{FFF9}-\x{FFFB}\x{E0000}-\x{E007F}]"
)


def clean(text: pl.Expr) -> pl.Expr:
    """Unicode NFC, no invisible characters, every run of white space one blank.

    One line stays one line, so no text can pose as another field's label.
    """
    return (
        text.str.replace_all(UNSEEN, "")
        .str.replace_all(r"\s+", " ")
        .str.normalize("NFC")
        .str.strip_chars(" ")
    )


MARKUP = r"<(?:[a-zA-Z/]|!--)[^<>]*>|&(?:#\d+|#[xX][0-9a-fA-F]+|[a-zA-Z]{2,8}\d{0,2});"
"""A tag or an entity: text that holds none is left as it is, \"a < b\" and \"R&B;\" included."""


def without_markup(text: pl.Series) -> pl.Series:
    """Text without HTML: scripts, styles and comments go, tags become nothing or a blank."""
    marked = text.str.contains(MARKUP).fill_null(False)
    if not marked.any():
        return text
    bare = (
        text.filter(marked)
        .str.replace_all(r"(?is)<script\b.*?(</script\s*>|$)", " ")
        .str.replace_all(r"(?is)<style\b.*?(</style\s*>|$)", " ")
        .str.replace_all(r"(?s)<!--.*?-->", " ")
        .str.replace_all(r"(?i)</?(br|p|div|li|ul|ol|tr|td|table|h\d|hr)\b[^<>]*>", " ")
        .str.replace_all(r"</?[a-zA-Z][^<>]*>", "")
    )
    plain = [html.unescape(value) for value in bare]  # entities last: "&lt;b&gt;" is no tag
    return text.scatter(marked.arg_true(), pl.Series(plain, dtype=pl.String))


def without_surrogates(text: str) -> str:
    """Lone surrogates (half a character, from broken JSON) become U+FFFD; Polars refuses them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def cut(text: pl.Expr, limit: str | int) -> pl.Expr:
    """The text within ``limit``, ended at a word boundary with "…" when something was left out.

    Raises:
        RecfeatError: the limit is neither a number of characters nor "N names".
    """
    match str(limit).split():
        case [n] if n.isdecimal() and int(n) > 0:
            head = text.str.slice(0, int(n) - 1)
            # Back to the last whole word, unless the cut fell between two words already.
            inside = text.str.slice(int(n) - 1, 1) != " "
            whole = pl.when(inside).then(head.str.replace(r"\s+\S*$", "")).otherwise(head)
            return (
                pl.when(text.str.len_chars() > int(n))
                .then(whole.str.strip_chars_end(" ,;:—–-") + "…")
                .otherwise(text)
            )
        case [n, "names" | "name"] if n.isdecimal():
            return text.str.split(", ").list.head(int(n)).list.join(", ")
    raise RecfeatError(
        f"The cut {limit!r} is neither a number of characters (1500) nor '8 names'; mend it in the "
        "prompt version's [cuts]."
    )


def render(
    documents: pl.DataFrame,
    cuts: Cuts = DEFAULT_CUTS,
    labels: Sequence[str] | None = None,
    title: bool = True,
    characters: int | None = None,
) -> pl.Series:
    """The documents' text under other cuts: "Title: …", then a "Label: text" line a field.

    Args:
        documents: at least ``title`` and ``fields`` of a DOCUMENTS frame.
        cuts: longest text by label; ``"*"`` for the rest.
        labels: the only labels to show; None shows all but those of :data:`OPTIONAL` that ``cuts``
            do not name.
        title: whether the title line is shown.
        characters: longest text of all fields together, the title line aside; None: no limit.

    Returns:
        ``text``, a String series as long as ``documents``; "(no text)" where nothing is left.
    """
    limits = {"*": 1500} | dict(cuts)
    text = cut(pl.col("text"), limits.pop("*"))
    for label, limit in limits.items():
        text = pl.when(pl.col("label") == label).then(cut(pl.col("text"), limit)).otherwise(text)
    hidden = [label for label in OPTIONAL if label not in cuts]
    rows = documents.select("title", "fields").with_row_index("row")
    bodies = (
        rows.select("row", "fields")
        .filter(pl.col("fields").list.len() > 0)
        .explode("fields")
        .unnest("fields")
        .filter(~pl.col("label").is_in(hidden) if labels is None else pl.col("label").is_in(labels))
        .select("row", line=pl.col("label") + ": " + text)
        .group_by("row", maintain_order=True)
        .agg(pl.col("line").str.join("\n"))
    )
    if characters:
        bodies = bodies.with_columns(cut(pl.col("line"), characters))
    heading = "Title: " + pl.col("title") if title else pl.lit(None, pl.String)
    return (
        rows.join(bodies, on="row", how="left", maintain_order="left")
        .select(text=pl.concat_str(heading, "line", separator="\n", ignore_nulls=True))
        .to_series()
        .replace("", "(no text)")
    )


def as_documents(texts: Sequence[str], item_ids: pl.Series, title: str) -> pl.DataFrame:
    """Questions about no item, as a model reads them: DOCUMENTS columns but ``fields``.

    Args:
        texts: a document each.
        item_ids: of an item that each has to do with, for the ledger keeps ids of the catalogue's
            type.
        title: of all of them, never shown.
    """
    return pl.DataFrame(
        {
            "item_id": item_ids,
            "title": pl.Series([title] * len(texts), dtype=pl.String),
            "text": pl.Series(texts, dtype=pl.String),
            "content_hash": pl.Series(
                [sha256(text.encode()).hexdigest() for text in texts], dtype=pl.String
            ),
            "n_chars": pl.Series(map(len, texts), dtype=DOCUMENTS["n_chars"]),
        }
    )
