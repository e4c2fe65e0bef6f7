SELECT
    item_id, title, year, genres, imdb_id, tmdb_id, n_ratings, in_corpus, item_index, tier
FROM {{ source('lake', 'items') }}
ORDER BY item_id
