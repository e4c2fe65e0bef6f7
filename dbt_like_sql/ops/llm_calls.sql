SELECT
    cache_key, version, "group", model, backend, status, reason, attempts,
    prompt_tokens, cached_tokens, completion_tokens, cost_usd, latency_ms, created_at
FROM {{ ref('staging.responses') }}
