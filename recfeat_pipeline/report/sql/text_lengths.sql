-- How long the documents are: items per band of characters.
SELECT
    bands.low,
    bands.high,
    items.in_corpus,
    count(*) AS n_items
FROM (
    VALUES (0, 200), (200, 500), (500, 1000), (1000, 2000), (2000, 4000), (4000, NULL)
) AS bands (low, high)
JOIN features.documents
    ON documents.n_chars >= bands.low
    AND documents.n_chars < coalesce(bands.high, 2147483647)
JOIN catalog.items USING (item_id)
GROUP BY ALL
ORDER BY bands.low, items.in_corpus
