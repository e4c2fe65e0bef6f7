-- Curated tags under one spelling each; a tag written twice for an item keeps its stronger weight.
SELECT item_id, lower(trim(tag)) AS tag, max(relevance) AS relevance
FROM {{ source('lake', 'tags') }}
GROUP BY ALL
