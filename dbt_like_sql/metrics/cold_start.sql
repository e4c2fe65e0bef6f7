-- Each choice of a held-back item counts among all unseen items; that of a new item, which has no
-- training interaction at all, also among the new ones alone. Runs that metrics.ranks leaves out, for
-- they are of another state of the catalogue, are left out here too.
WITH ranked AS (
    SELECT arm, seed::INTEGER AS seed, n_train, rank, rank_new
    FROM {{ source('lake', 'cold_ranks') }}
    SEMI JOIN {{ ref('metrics.ranks') }} USING (arm)
    ANTI JOIN (
        SELECT arm, seed FROM {{ source('lake', 'ranks') }}
        EXCEPT
        SELECT arm, seed::VARCHAR FROM {{ ref('metrics.ranks') }}
    ) USING (arm, seed)
),

placed AS (
    SELECT arm, seed, n_train, 'all' AS candidates, rank FROM ranked
    UNION ALL
    SELECT arm, seed, n_train, 'new', rank_new FROM ranked WHERE n_train = 0
),

averaged AS (
    SELECT
        arm,
        seed,
        n_train,
        candidates,
        count(*) AS n,
        {% for measure in measures %}
        avg({{ measure.sql('rank') }}) AS "{{ measure.key }}",
        {% endfor %}
    FROM placed
    GROUP BY ALL
)

SELECT
    arm,
    seed,
    n_train,
    candidates,
    split_part(measure, '@', 1) AS metric,
    try_cast(split_part(measure, '@', 2) AS INTEGER) AS k,
    value,
    n
FROM (
    UNPIVOT averaged ON COLUMNS(* EXCLUDE (arm, seed, n_train, candidates, n))
    INTO NAME measure VALUE value
)
