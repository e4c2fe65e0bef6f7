"""Cache keys: the hash of what determines an answer, and of nothing else.

A key is the sha256 of canonical JSON of the rendered messages, the answer's schema, the model and
the decoding parameters. Not of the item's id, the transport, the base URL, the version's label or
the time. Each message and the schema enter by their own sha256, so that the part which is the same
for a million items is hashed once, and text cannot be moved from one message into the next.
"""

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl


def sha256(text: str) -> str:
    """Hexadecimal sha256 of the text's NFC form in UTF-8 (lone surrogates kept as they are)."""
    return hashlib.sha256(_nfc(text).encode("utf-8", "surrogatepass")).hexdigest()


def sha256_of_rows(*frames: pl.DataFrame, at_once: int = 50_000) -> str:
    """:func:`sha256` of the frames' JSON in one text, which is never held whole."""
    digest = hashlib.sha256()
    for frame in frames:
        digest.update(b"[")
        for number, part in enumerate(frame.iter_slices(at_once)):
            rows = part.write_json()[1:-1]
            digest.update((b"," if number else b"") + _nfc(rows).encode("utf-8", "surrogatepass"))
        digest.update(b"]")
    return digest.hexdigest()


def canonical(value: Any) -> str:
    """JSON with sorted keys, no blanks and NFC strings; ``required`` lists are sets, so sorted."""
    return json.dumps(_normal(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def cache_key(
    messages: Sequence[Mapping[str, str]],
    schema: Mapping[str, Any],
    model: str,
    params: Mapping[str, Any],
) -> str:
    """The key of one call: 64 hexadecimal digits.

    Args:
        messages: ``{"role", "content"}`` in order, as rendered for the first attempt.
        schema: the JSON schema of the answer; the order of its keys does not matter.
        model: the model's name as sent.
        params: decoding parameters as sent (temperature, seed, …).
    """
    digests = [[m["role"], sha256(m["content"])] for m in messages]
    return hashlib.sha256(_payload(digests, schema, model, params).encode()).hexdigest()


def cache_keys(
    system: str,
    document_digests: Sequence[str],
    schema: Mapping[str, Any],
    model: str,
    params: Mapping[str, Any],
) -> list[str]:
    """:func:`cache_key` of [system, user] messages for many users messages, given as sha256."""
    hole = "0" * 64
    digests = [["system", sha256(system)], ["user", hole]]
    head, tail = (
        part.encode()
        for part in _payload(digests, schema, model, params).split(f'["user","{hole}"]')
    )
    before = hashlib.sha256(head + b'["user","')
    end = b'"]' + tail
    keys = []
    for digest in document_digests:
        state = before.copy()
        state.update(digest.encode() + end)
        keys.append(state.hexdigest())
    return keys


def _payload(
    digests: list[list[str]], schema: Mapping[str, Any], model: str, params: Mapping[str, Any]
) -> str:
    return canonical(
        {
            "messages": digests,
            "model": model,
            "params": dict(params),
            "schema": sha256(canonical(schema)),
        }
    )


def _normal(value: Any) -> Any:
    if isinstance(value, str):
        return _nfc(value)
    if isinstance(value, Mapping):
        out = {_nfc(str(k)): _normal(v) for k, v in value.items()}
        if isinstance(out.get("required"), list):
            out["required"] = sorted(out["required"])
        return out
    if isinstance(value, list | tuple):
        return [_normal(v) for v in value]
    return value


def _nfc(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)
