-- The catalogue in one row: how many items, how many are ranked, scored and tagged, and how many are films.
SELECT
    count(*) AS n_items,
    count(*) FILTER (in_corpus) AS n_corpus,
    median(n_ratings) FILTER (in_corpus) AS median_ratings,
    count(*) FILTER (in_corpus AND item_id IN (SELECT item_id FROM features.item_features))
        AS n_scored,
    count(*) FILTER (in_corpus AND item_id IN (SELECT item_id FROM features.genome)) AS n_tagged,
    count(*) FILTER (imdb_id IS NOT NULL OR tmdb_id IS NOT NULL) AS n_films
FROM catalog.items
