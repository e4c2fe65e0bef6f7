"""Counting tokens: with a real tokenizer where one is installed, else by size."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any


def rough_tokens(text: str) -> int:
    """A quarter of the UTF-8 bytes: about a tenth more than OpenAI's tokenizers count on prose."""
    return math.ceil((len(text) if text.isascii() else len(text.encode("utf-8", "replace"))) / 4)


def token_counter(model: str) -> tuple[Callable[[str], int], str]:
    """A function that counts a text's tokens, and the name of what counts.

    ``bpe-openai`` brings its vocabularies with it; ``tiktoken`` downloads them once. Without either
    :func:`rough_tokens` counts, and says so. Models whose tokenizer is not known are counted with
    OpenAI's current one.
    """
    older = model.startswith(("gpt-4-", "gpt-3.5")) or model == "gpt-4"
    name = "cl100k_base" if older else "o200k_base"
    for package in ("bpe_openai", "tiktoken"):
        try:
            encode = __import__(package).get_encoding(name).encode_ordinary
        except (ImportError, OSError):  # not installed, or no network for its vocabulary
            continue
        return partial(_count, encode), f"{package}, {name}"
    return rough_tokens, "a quarter of the UTF-8 bytes (no tokenizer installed)"


def _count(encode: Callable[[str], Any], text: str) -> int:
    return len(encode(text))
