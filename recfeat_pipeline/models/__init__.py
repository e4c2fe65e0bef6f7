"""Rollback examples, arms, content matrices, towers and baselines: everything that gives a rank."""

import os

# torch's idle threads spin by default. Where another process wants the same cores (Dagster runs
# several) a training step then takes 450 ms instead of 30; asleep they cost nothing measurable.
# Read when torch is first imported, which is after this package.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
