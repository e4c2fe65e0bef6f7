-- Ranks can stand side by side when they are of the same examples. A catalogue that has changed gives
-- others, and an arm that was not trained since ranks the old ones. What counts are the runs that rank
-- the examples as they are now; if there is none yet, those that rank what most runs do.
-- (Hashed twice: a hash of several columns is linear in the last, and equal targets would cancel out.)
{% set identity = "bit_xor(hash(hash(example_id, user_id, target_item_id)))" %}
WITH runs AS (
    SELECT arm, seed, {{ identity }} AS ranked
    FROM {{ source('lake', 'ranks') }}
    GROUP BY arm, seed
),

present AS (
    SELECT {{ identity }} AS ranked
    FROM (
        SELECT examples.split, examples.example_id, examples.user_id, items.item_id AS target_item_id
        FROM {{ source('lake', 'examples') }} AS examples
        JOIN {{ ref('catalog.items') }} AS items ON items.item_index = examples.target_index
    )
    GROUP BY split
),

chosen AS (
    SELECT ranked
    FROM runs
    GROUP BY ranked
    ORDER BY ranked IN (SELECT ranked FROM present) DESC, count(*) DESC, ranked
    LIMIT 1
)

SELECT
    arm,
    seed::INTEGER AS seed,
    example_id,
    user_id,
    target_item_id,
    history_length,
    rank,
    rank_with_seen
FROM {{ source('lake', 'ranks') }}
SEMI JOIN (SELECT arm, seed FROM runs JOIN chosen USING (ranked)) USING (arm, seed)
