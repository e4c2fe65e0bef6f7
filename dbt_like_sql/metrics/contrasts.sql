SELECT * FROM {{ source('lake', 'contrasts') }}
