"""Taxonomies: what an item is scored on. A taxonomy is one YAML file in this folder."""

from recfeat_pipeline.taxonomy.taxonomy import Dimension, Group, Taxonomy, load_taxonomy

__all__ = ["Dimension", "Group", "Taxonomy", "load_taxonomy"]
