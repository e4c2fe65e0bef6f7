"""Entity matching: which pages of the sources are about which item."""
