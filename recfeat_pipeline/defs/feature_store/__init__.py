"""Stage 4: the SQL models as assets, their YAML tests as asset checks."""
