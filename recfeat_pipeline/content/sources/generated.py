"""Embedded generated texts: what a model wrote of each item, beside no word that was scraped."""

from recfeat_pipeline.content.source import Source

# Of the versions that expand texts, that which was asked last.
_LATEST = """version = (
    SELECT version FROM features.generated_texts ORDER BY generated_at DESC, version LIMIT 1
)"""

source = Source(
    columns=f"""
        SELECT unnest(range(len(vector)))::VARCHAR AS name
        FROM (SELECT vector FROM features.generated_texts WHERE {_LATEST} LIMIT 1)
    """,
    rows=f"SELECT item_id, vector FROM features.generated_texts WHERE {_LATEST}",
    example=lambda _: [str(column) for column in range(256)],
)
