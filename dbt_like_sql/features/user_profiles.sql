SELECT
    user_id, version, history, profile, tags, vector, embedding, model, prompt_version, cache_key,
    generated_at
FROM {{ source('lake', 'user_profiles') }}
