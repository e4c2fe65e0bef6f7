SELECT
    item_id, version, generated_text, attributes, vector, embedding, model, prompt_version,
    cache_key, generated_at
FROM {{ source('lake', 'generated') }}
