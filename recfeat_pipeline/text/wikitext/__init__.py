"""Wikitext to plain text, parsed by mwparserfromhell."""
