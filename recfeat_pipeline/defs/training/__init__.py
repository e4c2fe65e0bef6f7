"""Stage 5: one model per arm and seed, and its ranks."""
