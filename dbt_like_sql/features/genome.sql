SELECT item_id, tag, relevance
FROM {{ ref('staging.tags') }}
