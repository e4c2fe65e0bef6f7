SELECT * FROM {{ source('lake', 'agreement_contrasts') }}
