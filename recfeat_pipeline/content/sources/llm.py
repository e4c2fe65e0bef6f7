"""What an LLM scored of each item, in [0, 1] as it is, in the order of the taxonomy."""

from recfeat_pipeline.content.source import Source

source = Source(
    columns="""
        SELECT dimension AS name FROM features.dimensions WHERE version = $version
        ORDER BY position
    """,
    rows="""
        SELECT item_id, dimension AS name, score AS value FROM features.item_features
        WHERE version = $version
    """,
    needs="scores",
    example=lambda dimensions: dimensions.sort("position")["dimension"].to_list(),
)
