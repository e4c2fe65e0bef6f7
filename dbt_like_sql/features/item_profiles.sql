SELECT
    item_id, version, profile, tags, vector, embedding, model, prompt_version, cache_key,
    generated_at
FROM {{ source('lake', 'profiles') }}
