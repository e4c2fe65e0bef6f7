SELECT
    arm,
    seed::INTEGER AS seed,
    example_id,
    user_id,
    target_item_id,
    history_length,
    rank,
    rank_with_seen
FROM {{ source('lake', 'ranks') }}
