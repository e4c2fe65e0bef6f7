SELECT arm, seed::INTEGER AS seed, kind, name, position, item_id, title, score
FROM {{ source('lake', 'canaries') }}
