SELECT * FROM {{ source('lake', 'routes') }}
