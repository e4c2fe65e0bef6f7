"""Ask: what someone wants, in words, as a taste; and the items that answer it, with reasons."""
