SELECT content, rich, base, delta, ci_low, ci_high
FROM metrics.substitution_ladder
WHERE metric = 'mrr' AND k IS NULL
