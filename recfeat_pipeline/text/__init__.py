"""Text about items: the sources that are scraped, the raw store, identity, documents."""
