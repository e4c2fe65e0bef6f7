"""Embedded generated texts: what a model wrote of each item, beside no word that was scraped."""

from recfeat_pipeline.content.source import Source

# Of the versions that expand texts, the one named or that which was asked last.
_OF = """version = (
    SELECT version FROM features.generated_texts
    WHERE $name::VARCHAR IS NULL OR split_part(version, '@', 1) = $name
    ORDER BY generated_at DESC, version LIMIT 1
)"""

source = Source(
    has_versions=True,
    columns=f"""
        SELECT unnest(range(len(vector)))::VARCHAR AS name
        FROM (SELECT vector FROM features.generated_texts WHERE {_OF} LIMIT 1)
    """,
    rows=f"SELECT item_id, vector FROM features.generated_texts WHERE {_OF}",
    example=lambda _: [str(column) for column in range(256)],
)
