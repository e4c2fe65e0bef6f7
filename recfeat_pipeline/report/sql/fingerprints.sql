-- Every score above a tenth of the six most popular items that were scored, in the version that
-- the content arm used (or the latest one in name order, when it is not known).
WITH version AS (
    SELECT coalesce(
        max(version) FILTER (version = $version), max(version)
    ) AS version
    FROM features.item_features
),

scored AS (
    SELECT item_id, "group", dimension, score
    FROM features.item_features
    WHERE version = (SELECT version FROM version)
),

groups AS (
    SELECT "group", min(position) AS first
    FROM features.dimensions
    WHERE version = (SELECT version FROM version)
    GROUP BY "group"
),

popular AS (
    SELECT item_id, title, n_ratings
    FROM catalog.items
    WHERE item_id IN (SELECT item_id FROM scored)
    ORDER BY n_ratings DESC, item_id
    LIMIT 6
)

SELECT
    CAST(popular.item_id AS VARCHAR) AS item_id,
    popular.title,
    popular.n_ratings,
    scored."group",
    scored.dimension,
    scored.score
FROM popular
JOIN scored USING (item_id)
JOIN groups USING ("group")
WHERE scored.score > 0.1
ORDER BY
    popular.n_ratings DESC, popular.item_id, groups.first, scored.score DESC, scored.dimension
