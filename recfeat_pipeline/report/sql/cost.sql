-- What was bought, per version, group, model and backend. An answer without a price is counted apart.
SELECT
    version,
    "group",
    model,
    backend,
    count(*) AS calls,
    count(*) FILTER (status <> 'ok') AS failed,
    sum(attempts) AS attempts,
    sum(prompt_tokens) AS prompt_tokens,
    sum(cached_tokens) AS cached_tokens,
    sum(completion_tokens) AS completion_tokens,
    sum(cost_usd) AS cost_usd,
    count(cost_usd) AS priced_calls,
    median(latency_ms) AS median_latency_ms,
    min(created_at) AS first_at,
    max(created_at) AS last_at
FROM ops.llm_calls
GROUP BY ALL
ORDER BY version, "group", model, backend
