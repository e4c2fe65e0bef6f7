"""The document itself, for models that read words: its first characters, a column each.

A column holds the number that Unicode gives the character, 0 behind the end. ``content/letters.py``
makes texts of them again.
"""

from recfeat_pipeline.content.source import Source

LENGTH = 1024
"""Characters that are kept: about 160 words, more than the operators read."""

source = Source(
    columns=f"""
        SELECT unnest(range({LENGTH}))::VARCHAR AS name
        FROM (SELECT 1 FROM features.documents WHERE n_chars > 0 LIMIT 1)
    """,
    rows=f"""
        SELECT item_id, list_resize(
            list_transform(string_split(left(text, {LENGTH}), ''), lambda c: unicode(c)),
            {LENGTH}, 0
        ) AS vector
        FROM features.documents WHERE n_chars > 0
    """,
    is_text=True,
    example=lambda _: [str(place) for place in range(LENGTH)],
)
