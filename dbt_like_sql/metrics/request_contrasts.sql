SELECT * FROM {{ source('lake', 'request_contrasts') }}
