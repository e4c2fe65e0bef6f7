"""Measure what LLM-generated item features are worth to a recommender, then run them."""

__version__ = "0.1.0"
