SELECT item_id, version, "group", dimension, score, model, cache_key, generated_at
FROM {{ source('lake', 'scores') }}
