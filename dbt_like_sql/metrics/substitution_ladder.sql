-- What a content source gives up when the metadata goes: the rich arm's value less the base's, with
-- the signs turned, from the contrast of the two.
SELECT
    CASE WHEN arms.content = '' THEN 'none' ELSE arms.content END AS content,
    contrasts.metric,
    contrasts.k,
    contrasts.arm_value AS rich,
    contrasts.reference_value AS base,
    -contrasts.delta AS delta,
    -contrasts.ci_high AS ci_low,
    -contrasts.ci_low AS ci_high,
    contrasts.p_adjusted,
    contrasts.n_seeds,
    contrasts.n_users
FROM {{ ref('metrics.contrasts') }} AS contrasts
JOIN {{ source('lake', 'arms') }} AS arms
    ON arms.arm = contrasts.arm AND arms.base = contrasts.reference
WHERE contrasts.slice = 'all'
