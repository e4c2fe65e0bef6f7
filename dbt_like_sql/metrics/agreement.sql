-- A dimension against the mean relevance of the curated tags it merges, over the items that carry
-- any curated tag. A tag that an item lacks counts as 0; counts enter as log(1 + count).
WITH relevance AS (
    SELECT
        item_id,
        tag,
        CASE WHEN max(relevance) OVER () > 1 THEN ln(1 + relevance) ELSE relevance END AS relevance
    FROM {{ ref('features.genome') }}
),

mapped AS (
    SELECT version, dimension, tag
    FROM (
        SELECT version, dimension, unnest(genome_tags) AS tag
        FROM {{ ref('features.dimensions') }}
    )
    WHERE tag IN (SELECT tag FROM relevance)
),

merged AS (
    SELECT version, dimension, count(*) AS n_tags
    FROM mapped
    GROUP BY ALL
),

curated AS (
    SELECT relevance.item_id, mapped.version, mapped.dimension, sum(relevance.relevance) AS total
    FROM relevance JOIN mapped USING (tag)
    GROUP BY ALL
),

paired AS (
    SELECT
        features.version,
        features.dimension,
        features."group",
        features.score,
        coalesce(curated.total, 0) / merged.n_tags AS curated
    FROM {{ ref('features.item_features') }} AS features
    JOIN merged USING (version, dimension)
    LEFT JOIN curated USING (item_id, version, dimension)
    WHERE features.item_id IN (SELECT item_id FROM relevance)
),

ranked AS (
    SELECT
        *,
        rank() OVER score_order + (count(*) OVER score_ties - 1) / 2 AS score_rank,
        rank() OVER curated_order + (count(*) OVER curated_ties - 1) / 2 AS curated_rank
    FROM paired
    WINDOW
        score_order AS (PARTITION BY version, dimension ORDER BY score),
        score_ties AS (PARTITION BY version, dimension, score),
        curated_order AS (PARTITION BY version, dimension ORDER BY curated),
        curated_ties AS (PARTITION BY version, dimension, curated)
),

correlated AS (
    SELECT
        version,
        dimension,
        "group",
        corr(score, curated) AS pearson_r,
        corr(score_rank, curated_rank) AS spearman_r,
        count(*) AS n_items
    FROM ranked
    GROUP BY ALL
)

SELECT
    correlated.version,
    correlated.dimension,
    correlated."group",
    dimensions.genome_tags,
    -- null: one side is constant; a perfect one comes out as 1.0000000000000002
    CASE WHEN isfinite(pearson_r) THEN greatest(-1, least(1, pearson_r)) END AS pearson_r,
    CASE WHEN isfinite(spearman_r) THEN greatest(-1, least(1, spearman_r)) END AS spearman_r,
    n_items
FROM correlated
JOIN {{ ref('features.dimensions') }} AS dimensions USING (version, dimension)
