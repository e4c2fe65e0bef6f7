SELECT * FROM {{ source('lake', 'agreement_intervals') }}
