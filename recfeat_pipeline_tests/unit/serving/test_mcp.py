"""The tools as an agent sees them: through a client that speaks the protocol."""

import asyncio

import pytest
from mcp import Client

from recfeat_pipeline.serving.mcp import build_server


def called(service, tool, **arguments):
    async def call():
        async with Client(build_server(lambda: service)) as client:
            return await client.call_tool(tool, arguments)

    return asyncio.run(call())


def test_tools_are_described(service):
    async def listed():
        async with Client(build_server(lambda: service)) as client:
            return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in asyncio.run(listed())}
    assert set(tools) == {"about", "search", "item", "neighbours", "recommend", "ask"}
    assert all(tool.description for tool in tools.values())


def test_words_and_histories_are_answered_within_the_rules(service):
    answered = called(service, "ask", turns=["love"], k=1)
    assert "Amélie" in answered.content[0].text
    rules = {"genres": ["Action"], "exclude": ["d"]}
    found = called(service, "recommend", history=["a"], filters=rules).structured_content
    assert [line["item_id"] for line in found["items"]] == ["b"]


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("item", {"item_id": "z"}, "no item 'z'"),
        ("neighbours", {"item_id": "a", "k": 0}, "greater than or equal to 1"),
        ("search", {"words": "x" * 2001}, "at most 2000 characters"),
        ("recommend", {"history": []}, "at least 1 item"),
        ("recommend", {"history": ["a"], "filters": {"genre": ["Action"]}}, "not permitted"),
        ("recommend", {"history": ["a"], "rerank": True}, "asks no LLM"),
    ],
)
def test_mistakes_are_told(service, tool, arguments, said):
    answered = called(service, tool, **arguments)
    assert answered.is_error
    assert said in answered.content[0].text
