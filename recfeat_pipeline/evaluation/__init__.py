"""What is computed from ranks and scores: contrasts, agreement, cold start."""
