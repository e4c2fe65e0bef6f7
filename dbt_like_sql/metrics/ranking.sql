WITH averaged AS (
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
    FROM {{ ref('metrics.ranks') }}
    JOIN {{ ref('metrics.slices') }} USING (example_id)
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
