"""Rollback examples, arms, content matrices, towers and baselines: everything that gives a rank."""
