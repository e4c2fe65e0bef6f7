"""Embedded profiles: what an LLM wrote of each item, of the profiles that were made last."""

from recfeat_pipeline.content.source import Source

# The promoted version is one of scores, so that it says nothing of profiles.
_LATEST = """version = (
    SELECT version FROM features.item_profiles ORDER BY generated_at DESC, version LIMIT 1
)"""
HASHED_WIDTH = 256  # of the embedded default

source = Source(
    columns=f"""
        SELECT unnest(range(len(vector)))::VARCHAR AS name
        FROM (SELECT vector FROM features.item_profiles WHERE {_LATEST} LIMIT 1)
    """,
    rows=f"SELECT item_id, vector FROM features.item_profiles WHERE {_LATEST}",
    example=lambda _: [str(column) for column in range(HASHED_WIDTH)],
)
