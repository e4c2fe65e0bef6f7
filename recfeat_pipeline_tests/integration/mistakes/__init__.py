"""Mistakes that users make, and what they must be told: a table per part of the program."""

from recfeat_pipeline_tests.integration.mistakes import catalog, files, lake, llm, settings, usage

MISTAKES = (
    *usage.MISTAKES,
    *catalog.MISTAKES,
    *files.MISTAKES,
    *settings.MISTAKES,
    *lake.MISTAKES,
    *llm.MISTAKES,
)
