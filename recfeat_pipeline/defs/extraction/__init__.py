"""Stage 3: scores and profiles per prompt version and shard."""
