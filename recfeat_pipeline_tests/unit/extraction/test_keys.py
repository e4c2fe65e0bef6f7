"""A key changes with what determines the answer, and with nothing else."""

import random
import unicodedata

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from recfeat_pipeline.extraction.keys import (
    cache_key,
    cache_keys,
    canonical,
    sha256,
    sha256_of_rows,
)

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "number"}, "b": {"type": "string"}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
PARAMS = {"temperature": 0.0, "seed": 1}
text = st.text(max_size=40)


def key(system="s", user="u", schema=SCHEMA, model="m", params=PARAMS):
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    return cache_key(messages, schema, model, params)


def shuffled(value, rng):
    if isinstance(value, dict):
        items = list(value.items())
        rng.shuffle(items)
        return {k: shuffled(v, rng) for k, v in items}
    return list(value) if isinstance(value, list) else value


@given(st.integers())
def test_the_order_of_schema_keys_and_of_required_does_not_matter(seed):
    other = shuffled(SCHEMA, random.Random(seed))
    assert key(schema=other) == key()
    assert key(schema={**SCHEMA, "required": ["b", "a"]}) == key()


@given(text, text)
def test_text_that_differs_only_in_unicode_form_has_one_key(system, user):
    decomposed = [unicodedata.normalize("NFD", t) for t in (system, user)]
    assert key(*decomposed) == key(system, user)


@given(text, text, text, text)
def test_text_cannot_move_between_messages(a, b, c, d):
    same = [unicodedata.normalize("NFC", t) for t in (a, b)] == [
        unicodedata.normalize("NFC", t) for t in (c, d)
    ]
    assert (key(a, b) == key(c, d)) == same


@given(text, st.lists(text, max_size=5))
def test_many_keys_at_once_are_the_same_keys(system, users):
    digests = [sha256(user) for user in users]
    assert cache_keys(system, digests, SCHEMA, "m", PARAMS) == [key(system, u) for u in users]


@given(st.lists(text, max_size=7), st.integers(1, 8))
def test_rows_hashed_in_slices_are_the_frames_json(texts, at_once):
    """Keys of imported versions were made of the whole text, and stay."""
    frame = pl.DataFrame({"text": texts, "length": map(len, texts)}, schema_overrides={"text": str})
    whole = sha256(frame.write_json() + frame.head(1).write_json())
    assert sha256_of_rows(frame, frame.head(1), at_once=at_once) == whole


def test_every_ingredient_counts():
    keys = {
        key(),
        key(system="t"),
        key(user="v"),
        key(model="n"),
        key(params={**PARAMS, "seed": 2}),
        key(params={"seed": 1}),
        key(schema={**SCHEMA, "required": ["a"]}),
        key(system="u", user="s"),
    }
    assert len(keys) == 8


def test_parameters_are_compared_as_json():
    assert key(params={"seed": 1, "temperature": 0.0}) == key(
        params={"temperature": 0.0, "seed": 1}
    )
    assert key(params={"seed": "1"}) != key(params={"seed": 1})


def test_a_lone_surrogate_has_a_key():
    assert len(key(user="\ud800")) == 64
    assert canonical({"a": "\ud800"}) == '{"a":"\\ud800"}'


def test_the_key_of_a_known_call_never_changes():
    """Every answer bought so far hangs on this number."""
    assert key() == "c89a97244590ea96a463e44d4bc524143eb1a7a755117c7c39579443ff4c6698"
