"""Taxonomies: what an item is scored on. A taxonomy is one YAML file."""

from recfeat_pipeline.taxonomy.read import list_taxonomies, load_taxonomy, read_taxonomy
from recfeat_pipeline.taxonomy.taxonomy import Dimension, Group, Taxonomy

__all__ = [
    "Dimension",
    "Group",
    "Taxonomy",
    "list_taxonomies",
    "load_taxonomy",
    "read_taxonomy",
]
