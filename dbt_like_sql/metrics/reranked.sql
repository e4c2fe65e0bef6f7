SELECT arm, seed::INTEGER AS seed, * EXCLUDE (arm, seed) FROM {{ source('lake', 'reranked') }}
