"""From documents to calls: the text a version shows, the keys of its calls, and the calls."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from recfeat_pipeline.extraction.keys import cache_keys, sha256
from recfeat_pipeline.extraction.masking import mask
from recfeat_pipeline.extraction.types import Request
from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.rendering import DEFAULT_CUTS, render

# Markup has no say in a prompt: neither "</document>" nor a chat template's "<|im_start|>" or
# "<start_of_turn>" may end the fence. A single guillemet reads the same to a model.
MARKUP = r"<([A-Za-z/!|?])"


def shown(documents: pl.DataFrame, version: PromptVersion) -> pl.Series:
    """The text that the version's calls show, without its fence; one row per document."""
    rendered_already = version.document == [True, None, dict(DEFAULT_CUTS)]
    if rendered_already or "fields" not in documents.columns:
        text = documents["text"]
    else:
        if version.mask_names:
            documents = mask(documents, version.mask_names)
        text = render(documents, version.cuts, version.labels, version.title, version.characters)
    return text.str.replace_all(MARKUP, "‹$1").alias("shown")


def user_message(document: str) -> str:
    """The last message of a call: the document as data, between its marks."""
    return f"<document>\n{document}\n</document>"


def messages(request: Request, reminder: str | None = None) -> list[dict[str, Any]]:
    """The messages as sent; a reminder (after an answer that was not valid) comes last."""
    content = user_message(request.document)
    if reminder:
        content += f"\n\n{reminder}"
    return [
        {"role": "system", "content": request.question.system},
        {"role": "user", "content": content},
    ]


def keyed(documents: pl.DataFrame, version: PromptVersion, model: str) -> pl.DataFrame:
    """The calls that a version makes of some documents.

    Returns:
        One row per document × group: ``row`` (of documents), ``group`` (its position in the
        version), ``cache_key``.
    """
    digests = [sha256(user_message(text)) for text in shown(documents, version)]
    frames = [
        pl.DataFrame(
            {
                "row": pl.int_range(len(digests), eager=True, dtype=pl.UInt32),
                "group": pl.repeat(position, len(digests), dtype=pl.UInt8, eager=True),
                "cache_key": pl.Series(
                    cache_keys(question.system, digests, question.schema, model, version.params),
                    dtype=pl.String,
                ),
            }
        )
        for position, question in enumerate(version.questions)
    ]
    return pl.concat(frames)


def build(
    documents: pl.DataFrame,
    wanted: pl.DataFrame,
    version: PromptVersion,
    model: str,
    version_key: str | None = None,
) -> Iterator[Request]:
    """The calls of some rows of :func:`keyed`, item by item, made as they are taken.

    ``version_key`` is what the ledger calls the version, where that is a part of another one.
    """
    if wanted.is_empty():
        return
    wanted = wanted.sort("row", "group")
    rows = wanted["row"].unique(maintain_order=True)
    used = documents[rows]
    texts = dict(zip(rows, shown(used, version), strict=True))
    titles = dict(zip(rows, used["title"], strict=True))
    ids = dict(zip(rows, used["item_id"], strict=True))
    for row, group, key in wanted.select("row", "group", "cache_key").iter_rows():
        text = texts[row]
        if version.echo == "title":
            identity = titles[row] if version.title else None
        else:
            identity = opening(text) if version.echo == "opening" else None
        yield Request(
            key=key,
            item_id=ids[row],
            version=version_key or version.key,
            question=version.questions[group],
            document=text,
            identity=identity,
            model=model,
            params=version.params,
        )


def opening(document: str) -> str:
    """The first six words of a document's text, its first label left out."""
    first = document.split("\n", 1)[0]
    label, colon, rest = first.partition(": ")
    text = rest if colon and len(label) < 40 else first
    return " ".join(text.split()[:6])
