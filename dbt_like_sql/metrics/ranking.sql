-- `measures` is the list in recfeat_pipeline/evaluation/metrics/.
WITH averaged AS (
    SELECT
        arm,
        seed,
        slice,
        count(*) AS n,
        {% for rank, suffix in [('rank', ''), ('rank_with_seen', '_with_seen')] %}
        {% for measure in measures %}
        avg({{ measure.sql(rank) }}) FILTER ({{ rank }} IS NOT NULL)
            AS "{{ measure.name }}{{ suffix }}@{{ measure.k or '' }}",
        {% endfor %}
        {% endfor %}
    FROM {{ ref('metrics.ranks') }}
    JOIN {{ ref('metrics.slices') }} USING (example_id)
    GROUP BY ALL
)

SELECT
    arm,
    seed,
    slice,
    split_part(measure, '@', 1) AS metric,
    try_cast(split_part(measure, '@', 2) AS INTEGER) AS k,  -- null without a cut-off
    value,
    n
FROM (UNPIVOT averaged ON COLUMNS(* EXCLUDE (arm, seed, slice, n)) INTO NAME measure VALUE value)
