"""Explore in a real headless browser: search, look, like, recommend."""

import importlib.util
import os
import socket
import subprocess
import sys
import time

import httpx
import pytest

from recfeat_pipeline_tests.browser import CHROMIUM, Browser
from recfeat_pipeline_tests.report_store import HOSTILE, build_store

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.skipif(importlib.util.find_spec("nicegui") is None, reason="no explore extra"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    store = build_store(tmp_path_factory.mktemp("explore") / "store.duckdb")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "recfeat_pipeline_tests.explore_server", str(store), str(port)]
    # NiceGUI behaves otherwise where it sees pytest; here it is to behave as it does for users.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    url = f"http://127.0.0.1:{port}/"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(url)
                break
            except httpx.TransportError:
                assert server.poll() is None, server.stderr.read()
                assert time.monotonic() < deadline, "the page does not answer"
                time.sleep(0.2)
        yield url
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def browser():
    with Browser() as browser:
        yield browser


def test_pages_in_doubt_lead_to_their_item(browser, address):
    browser.open(address + "?view=pages")
    browser.wait_for("left out, doubt 0.80")
    lines = browser.run("[...document.querySelectorAll('.line')].map(e => e.innerText)")
    assert "year: 1995 here, 2002" in lines[0]
    assert HOSTILE in lines[0], "markup from a page is text"
    browser.run("document.querySelector('.line .result').click()")
    browser.wait_for("Whose page it is")


def test_from_search_to_recommendation(browser, address):
    browser.open(address)
    browser.wait_for("Toy Story (1995)")  # the most popular is shown first
    browser.wait_for("Fingerprint")

    browser.type("input", "alien")
    browser.wait_until("document.querySelectorAll('.columns > :first-child .result').length == 1")
    browser.click("Alien (1979)")
    browser.wait_for("item 2")  # its document
    assert "Plot · from wikipedia" in browser.text()
    assert "CC BY-SA" in browser.text()
    assert browser.run("document.querySelector('h2').innerText") == "Alien (1979)"
    assert "answered by gpt-5-mini" in browser.text()

    browser.click("Like")
    browser.wait_for("Liked")
    assert browser.run("location.search") == "?item=2&liked=2"

    browser.click("Recommend from liked items")
    browser.wait_for("For someone who likes")
    lines = browser.run("[...document.querySelectorAll('.line')].map(e => e.innerText)")
    assert len(lines) == 10
    assert "<script>alert" in lines[0], "the item after Alien"
    assert "small town +0.250" in lines[0]


def test_an_address_can_be_shared_and_an_arm_chosen(browser, address):
    browser.open(f"{address}?item=4&liked=1,4&view=recommend&arm=Floor")
    browser.wait_for("This arm does not say which features moved its scores")
    assert "Before Sunrise (1995)" in browser.text()


def test_words_are_answered_turn_by_turn_with_reasons(browser, address):
    browser.open(address)
    browser.wait_for("Fingerprint")
    browser.click("Ask")
    browser.wait_for("Name a mood, a theme, a time")
    browser.type('input[aria-label="What would you like?"]', "small town<img src=x>")
    browser.press_enter()
    browser.wait_for("reasons are stored features")
    assert "small town<img src=x>" in browser.text()
    first = browser.run("document.querySelector('.line').innerText")
    assert "small town" in first
    browser.type('input[aria-label="What would you like?"]', "before 1980")
    browser.press_enter()
    browser.wait_until("location.search.includes('said=')")
    browser.wait_until("document.querySelectorAll('.q-chip').length == 2")
    shared = browser.run("location.href")
    browser.open(shared)
    browser.wait_for("before 1980")


def test_what_does_not_exist_is_passed_over(browser, address):
    browser.open(f"{address}?item=nothing&liked=nobody,&arm=none&view=recommend")
    browser.wait_for("Like an item or two")


def test_hostile_text_is_text_and_nothing_comes_from_elsewhere(browser, address):
    browser.open(f"{address}?item=3")
    browser.wait_for("item 3")
    assert browser.run("document.querySelector('h2').innerText") == HOSTILE
    assert browser.run("document.querySelectorAll('h2 script, .text script').length") == 0
    foreign = [u for u in browser.requested if not u.startswith((address, "data:", "about:"))]
    assert not [u for u in foreign if not u.startswith("blob:")]
    assert browser.requested
