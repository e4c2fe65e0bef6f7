-- Every example belongs to several slices; each slice is averaged in one pass over the ranks.
WITH placed AS (
    SELECT
        ranks.arm,
        ranks.seed,
        ranks.rank,
        ranks.rank_with_seen,
        unnest(list_distinct([  -- drops the nulls: an item without a tier is in no tier's slice
            'all',
            CASE WHEN items.n_ratings > 1000 THEN 'HEAD' ELSE 'TAIL' END,
            items.tier,
            CASE
                WHEN ranks.history_length < 10 THEN 'history 1-9'
                WHEN ranks.history_length < 50 THEN 'history 10-49'
                ELSE 'history 50+'
            END
        ])) AS slice
    FROM {{ ref('metrics.ranks') }} AS ranks
    JOIN {{ ref('catalog.items') }} AS items ON items.item_id = ranks.target_item_id
),

averaged AS (
    SELECT
        arm,
        seed,
        slice,
        count(*) AS n,
        {% for suffix in ['', '_with_seen'] %}
        {% for k in [1, 5, 10, 20, 50, 100, 250] %}
        avg((rank{{ suffix }} <= {{ k }})::INTEGER) AS "hit_rate{{ suffix }}@{{ k }}",
        {% endfor %}
        avg(CASE WHEN rank{{ suffix }} <= 10 THEN 1 / log2(rank{{ suffix }} + 1) ELSE 0 END)
            AS "ndcg{{ suffix }}@10",
        avg(1 / rank{{ suffix }}) AS "mrr{{ suffix }}@",
        {% endfor %}
    FROM placed
    GROUP BY ALL
)

SELECT
    'full' AS corpus,
    arm,
    seed,
    slice,
    split_part(measure, '@', 1) AS metric,
    try_cast(split_part(measure, '@', 2) AS INTEGER) AS k,  -- null for mrr, which has no cut
    value,
    n
FROM (UNPIVOT averaged ON COLUMNS(* EXCLUDE (arm, seed, slice, n)) INTO NAME measure VALUE value)
