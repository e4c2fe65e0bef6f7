SELECT * FROM {{ source('lake', 'runs') }}
