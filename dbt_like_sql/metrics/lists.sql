-- Runs that metrics.ranks leaves out, for they are of another state of the catalogue, are left out.
SELECT arm, seed::INTEGER AS seed, metric, k, value, n
FROM {{ source('lake', 'list_metrics') }}
WHERE (arm, seed::INTEGER) IN (SELECT DISTINCT (arm, seed) FROM {{ ref('metrics.ranks') }})
