"""Stage 6: metrics, contrasts, agreement, report."""
