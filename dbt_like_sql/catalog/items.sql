SELECT
    item_id, title, year, genres, imdb_id, tmdb_id, n_ratings, in_corpus, item_index, tier, left_at
FROM {{ source('lake', 'items') }}
LEFT JOIN {{ source('lake', 'left') }} USING (item_id)
ORDER BY item_id
