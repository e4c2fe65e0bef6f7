-- One row per cache key: the newest answer, or the newest failure where there is no answer.
SELECT *
FROM {{ source('lake', 'responses') }}
QUALIFY row_number() OVER (
    PARTITION BY cache_key ORDER BY (status = 'ok') DESC, created_at DESC
) = 1
