"""Stage 1: the catalogue, the corpus it makes, and the examples cut from it."""
