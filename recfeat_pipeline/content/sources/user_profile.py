"""Embedded profiles of users: what an LLM wrote of each one's taste, of those made last."""

from recfeat_pipeline.content.source import Source

# Not of a version whose users were asked later: its answers came last.
_LATEST = """version = (
    SELECT version FROM features.user_profiles ORDER BY generated_at DESC, version LIMIT 1
)"""

source = Source(
    of="users",
    columns=f"""
        SELECT unnest(range(len(vector)))::VARCHAR AS name
        FROM (SELECT vector FROM features.user_profiles WHERE {_LATEST} LIMIT 1)
    """,
    rows=f"SELECT user_id, vector, history FROM features.user_profiles WHERE {_LATEST}",
    example=lambda _: [str(column) for column in range(256)],
)
