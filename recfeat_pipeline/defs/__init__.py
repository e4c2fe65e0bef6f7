"""Dagster: what runs when. One folder per stage, in the order the data flows."""
