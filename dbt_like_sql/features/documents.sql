SELECT item_id, title, text, content_hash, n_chars, shard
FROM {{ source('lake', 'documents') }}
