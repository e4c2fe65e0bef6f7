-- Every arm ranks the same examples, so any arm's ranks name them.
WITH examples AS (
    SELECT example_id, any_value(target_item_id) AS item_id, any_value(history_length) AS history_length
    FROM {{ ref('metrics.ranks') }}
    GROUP BY example_id
),

trained AS (
    SELECT items.item_id, count(*) AS n_train
    FROM {{ source('lake', 'events') }} AS events
    JOIN {{ ref('catalog.items') }} AS items USING (item_index)
    WHERE events.split = 'train'
    GROUP BY items.item_id
)

SELECT
    examples.example_id,
    unnest(list_filter([
        'all',
        CASE WHEN items.n_ratings > 1000 THEN 'HEAD' ELSE 'TAIL' END,
        items.tier,
        CASE WHEN coalesce(trained.n_train, 0) < 10 THEN 'new item' END,
        CASE
            WHEN examples.history_length < 10 THEN 'history 1-9'
            WHEN examples.history_length < 50 THEN 'history 10-49'
            ELSE 'history 50+'
        END,
        CASE
            WHEN documents.n_chars < 500 THEN 'text under 500'
            WHEN documents.n_chars < 2000 THEN 'text 500-1999'
            WHEN documents.n_chars IS NOT NULL THEN 'text 2000+'
        END
    ], lambda slice: slice IS NOT NULL)) AS slice
FROM examples
JOIN {{ ref('catalog.items') }} AS items USING (item_id)
LEFT JOIN trained USING (item_id)
LEFT JOIN {{ ref('features.documents') }} AS documents USING (item_id)
