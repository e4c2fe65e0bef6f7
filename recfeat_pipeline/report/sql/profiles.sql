-- How long the profiles of each prompt version are, in characters; of an edited one the newest.
SELECT
    split_part(version, '@', 1) AS name,
    avg(length(profile)) AS mean_chars
FROM features.item_profiles
GROUP BY version
QUALIFY row_number() OVER (PARTITION BY name ORDER BY max(generated_at) DESC, version) = 1
ORDER BY name
