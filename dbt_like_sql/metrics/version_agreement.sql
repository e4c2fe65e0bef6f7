SELECT * FROM {{ source('lake', 'version_agreement') }}
