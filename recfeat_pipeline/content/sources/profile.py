"""Embedded profiles: what an LLM wrote of each item, in the version named or that made last."""

from recfeat_pipeline.content.source import Source

# The promoted version is one of scores, so that it says nothing of profiles.
_OF = """version = (
    SELECT version FROM features.item_profiles
    WHERE $name::VARCHAR IS NULL OR split_part(version, '@', 1) = $name
    ORDER BY generated_at DESC, version LIMIT 1
)"""
HASHED_WIDTH = 256  # of the embedded default

source = Source(
    has_versions=True,
    columns=f"""
        SELECT unnest(range(len(vector)))::VARCHAR AS name
        FROM (SELECT vector FROM features.item_profiles WHERE {_OF} LIMIT 1)
    """,
    rows=f"SELECT item_id, vector FROM features.item_profiles WHERE {_OF}",
    example=lambda _: [str(column) for column in range(HASHED_WIDTH)],
)
