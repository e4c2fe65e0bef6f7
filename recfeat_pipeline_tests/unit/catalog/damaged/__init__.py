"""Damaged and unusual files, and what reading each of them must say.

``python -m recfeat_pipeline_tests.unit.catalog.damaged`` prints the table.
"""

from recfeat_pipeline_tests.unit.catalog.damaged.packed import BINARY, JSON, PACKS
from recfeat_pipeline_tests.unit.catalog.damaged.text import TEXT
from recfeat_pipeline_tests.unit.catalog.damaged.values import PLACES, VALUES

DAMAGED = [*TEXT, *PACKS, *JSON, *BINARY, *VALUES, *PLACES]
