"""Embedded profiles: what an LLM wrote of each item, in the version named or that made last.

The promoted version is one of scores, so that it says nothing of profiles.
"""

from recfeat_pipeline.content.source import embedded_versions

source = embedded_versions("features.item_profiles")
