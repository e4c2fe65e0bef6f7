"""Embedded generated texts: what a model wrote of each item, beside no word that was scraped."""

from recfeat_pipeline.content.source import embedded_versions

source = embedded_versions("features.generated_texts")
