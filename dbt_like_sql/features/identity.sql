SELECT item_id, source, title, url, used, doubt, score, reason, found_by, years, creators
FROM {{ source('lake', 'identity') }}
ORDER BY doubt DESC, item_id, source
