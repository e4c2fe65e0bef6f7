"""The extraction engine: given documents, prompts and a model, valid answers, each bought once."""

from recfeat_pipeline.extraction.engine import choose_backend, extract, extract_many, scores
from recfeat_pipeline.extraction.types import Backend, Limits, Summary
from recfeat_pipeline.extraction.versions import PromptVersion, list_versions, load_version

__all__ = [
    "Backend",
    "Limits",
    "PromptVersion",
    "Summary",
    "choose_backend",
    "extract",
    "extract_many",
    "list_versions",
    "load_version",
    "scores",
]
