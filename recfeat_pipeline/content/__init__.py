"""What fills a content slot: sources of features, and the controls that take their meaning away."""
