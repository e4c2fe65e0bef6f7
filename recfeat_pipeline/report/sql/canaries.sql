-- What each arm's first seed would show each persona, and what it holds to be alike.
SELECT kind, name, arm, position, title
FROM metrics.canaries
QUALIFY seed = min(seed) OVER (PARTITION BY arm)
ORDER BY kind, name, arm, position
