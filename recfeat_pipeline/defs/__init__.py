"""Dagster: what runs when. One folder per stage, in the order the data flows."""

import warnings

import dagster as dg

# Backfill policies and freshness policies are "beta" in every release we accept, and checks of
# partitions are a "preview".
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)
