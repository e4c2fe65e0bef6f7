"""Stage 2: raw text per source, and one document per item."""
