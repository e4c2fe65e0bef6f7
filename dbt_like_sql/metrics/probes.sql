-- One row per prompt version that an arm reads: how much text it saw, how far it agrees with the
-- curated tags, and what the arm gains over the floor and over the arm of the promoted version,
-- which has a row of its own: it is the whole dose. A probe that asks on other dimensions than the
-- promoted version, and was not run, is nobody's gap and has no row.
WITH versions AS (
    SELECT DISTINCT version, split_part(version, '@', 1) AS name
    FROM {{ ref('features.item_features') }}
),

agreement AS (
    SELECT split_part(version, '@', 1) AS name, pearson_r, pearson_low, pearson_high
    FROM {{ ref('metrics.agreement_intervals') }}
    WHERE "group" = 'all' AND dimension IS NULL
),

contrasts AS (
    SELECT * FROM {{ ref('metrics.contrasts') }}
    WHERE slice = 'all' AND metric = 'mrr' AND k IS NULL
)

SELECT
    arms.arm,
    arms.title,
    coalesce(shown.prompt_version, arms.prompt_version) AS prompt_version,
    shown.mean_chars,
    agreement.pearson_r AS agreement_r,
    agreement.pearson_low AS agreement_low,
    agreement.pearson_high AS agreement_high,
    floor.delta AS over_floor,
    floor.ci_low AS over_floor_low,
    floor.ci_high AS over_floor_high,
    llm.delta AS over_llm,
    llm.ci_low AS over_llm_low,
    llm.ci_high AS over_llm_high,
    CASE
        WHEN versions.name IS NULL THEN 'not run: no scores of this prompt version'
        WHEN floor.delta IS NULL THEN 'not run: no model on these scores'
        ELSE 'run'
    END AS status
FROM {{ source('lake', 'arms') }} AS arms
LEFT JOIN {{ source('lake', 'shown_text') }} AS shown ON shown.arm = arms.arm
LEFT JOIN versions ON versions.name = coalesce(shown.prompt_version, arms.prompt_version)
LEFT JOIN agreement ON agreement.name = coalesce(shown.prompt_version, arms.prompt_version)
LEFT JOIN contrasts AS floor ON floor.arm = arms.arm AND floor.reference = 'floor'
LEFT JOIN contrasts AS llm ON llm.arm = arms.arm AND llm.reference = 'llm'
WHERE
    arms.arm = 'llm'
    OR (arms.role = 'probe' AND (shown.arm IS NOT NULL OR versions.name IS NOT NULL))
