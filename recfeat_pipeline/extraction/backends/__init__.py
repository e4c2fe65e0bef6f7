"""Where answers come from: one module per backend, one request and answer type."""
