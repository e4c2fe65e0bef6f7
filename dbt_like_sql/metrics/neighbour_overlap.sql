SELECT
    arm,
    k,
    avg(overlap) AS overlap,
    avg(overlap) - 1.96 * stddev_samp(overlap) / sqrt(count(*)) AS ci_low,
    avg(overlap) + 1.96 * stddev_samp(overlap) / sqrt(count(*)) AS ci_high,
    avg(expected) AS expected,
    count(*) AS n_items
FROM {{ source('lake', 'neighbours') }}
GROUP BY arm, k
