"""The items' own genres, one-hot: what most catalogues know anyway."""

from recfeat_pipeline.content.source import Source

PUBLISHED_GENRES = 20

source = Source(
    columns="""
        SELECT DISTINCT name FROM (SELECT unnest(genres) AS name FROM catalog.items WHERE in_corpus)
        WHERE name IS NOT NULL ORDER BY name
    """,
    rows="""
        SELECT * FROM (SELECT item_id, unnest(genres) AS name, 1.0 AS value FROM catalog.items)
        WHERE name IS NOT NULL
    """,
    example=lambda _: [f"genre {number}" for number in range(PUBLISHED_GENRES)],
)
