"""The tools that an agent sees, called as one calls them."""

import asyncio
import json

from recfeat_pipeline.serving.mcp import build_server


def test_tools_and_what_they_answer(service):
    server = build_server(lambda: service)
    tools = {tool.name: tool for tool in asyncio.run(server.list_tools())}
    assert set(tools) == {"about", "search", "item", "neighbours", "recommend", "ask"}
    assert all(tool.description for tool in tools.values())
    answered = asyncio.run(server.call_tool("ask", {"turns": ["love"], "k": 1}))
    assert "Amélie" in json.dumps(answered.model_dump(mode="json"), ensure_ascii=False)
