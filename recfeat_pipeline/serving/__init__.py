"""Serving: items, neighbours, recommendations and answers to other programs, over HTTP or MCP."""
