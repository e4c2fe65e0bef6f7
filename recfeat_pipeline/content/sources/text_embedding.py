"""Each item's document as an embedding: the answer to "why not just embed the text?"."""

from recfeat_pipeline.content.source import HASHED_WIDTH, Source

source = Source(
    columns="""
        SELECT unnest(range(len(vector)))::VARCHAR AS name
        FROM (SELECT vector FROM features.document_vectors LIMIT 1)
    """,
    rows="SELECT item_id, vector FROM features.document_vectors",
    needs="document_vectors",
    example=lambda _: [str(column) for column in range(HASHED_WIDTH)],
)
