SELECT version, taxonomy, "group", dimension, gloss, genome_tags, position
FROM {{ source('lake', 'dimensions') }}
ORDER BY version, position
