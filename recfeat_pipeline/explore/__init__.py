"""Looking at single items: fingerprints, neighbours, and recommendations with their reasons."""
