SELECT * FROM {{ source('lake', 'rerankers') }}
