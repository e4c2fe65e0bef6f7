SELECT * FROM {{ source('lake', 'cold_contrasts') }}
