SELECT item_id, vector, embedding, content_hash, generated_at
FROM {{ source('lake', 'document_vectors') }}
