-- What each arm's first seed would show each persona.
SELECT name AS persona, arm, position, title
FROM metrics.canaries
WHERE kind = 'persona'
QUALIFY seed = min(seed) OVER (PARTITION BY arm)
ORDER BY persona, arm, position
