"""An LLM on the path: what it orders and reads, and that nobody waits longer than agreed."""

import json
import threading
import time
from dataclasses import replace

import polars as pl
import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.serving.live import Live
from recfeat_pipeline.serving.llm import LLM
from recfeat_pipeline.serving.service import NoLLM

TASTE = {
    "liked": [], "avoided": [], "dimensions": [], "genres": [], "first_year": 0, "last_year": 0,
    "words": [], "unwanted_words": [],
}  # fmt: skip


def llm_of(ranking=None, taste=None, seen=None):
    """An LLM that gives these answers in turn, and writes down what it was shown."""

    def answering(answers):
        left = list(answers or [])

        def ask(documents):
            if seen is not None:
                seen.extend(documents["text"])
            return [left.pop(0) for _ in range(documents.height)]

        return Live(ask, 5.0)

    return LLM("some-llm", answering(ranking), answering(taste))


def with_llm(service, llm):
    return replace(service, llm=llm)


def ids(result):
    return [item["item_id"] for item in result["items"]]


def test_the_best_are_shown_without_the_history_and_come_back_in_the_llms_order(service):
    plain = service.recommend(["a"], k=3)
    assert (ids(plain), plain["llm"]) == (["d", "b", "c"], None)
    seen = []
    [first] = [json.dumps({"ranking": [2]})]
    result = with_llm(service, llm_of(ranking=[first], seen=seen)).recommend(
        ["a"], k=3, rerank=True
    )
    shown = seen[0].split("\n")
    assert shown[:2] == ["Taken before, newest first:", "- Alien (1979)"]
    candidates = shown[3:]
    assert sorted(line[3:] for line in candidates) == [
        "Aliens (1986)", "Amélie (2001)", "Heat (1995)",
    ]  # fmt: skip
    [chosen] = [line[3:] for line in candidates if line.startswith("2. ")]
    assert result["items"][0]["title"] == chosen
    rest = [i for i in ids(plain) if i != ids(result)[0]]
    assert ids(result)[1:] == rest, "those that it does not name keep the arm's order"
    assert result["llm"] == {"model": "some-llm", "answered": True}


def test_without_an_answer_the_arms_order_stands(service):
    result = with_llm(service, llm_of(ranking=[None])).recommend(["a"], k=2, rerank=True)
    assert ids(result) == ids(service.recommend(["a"], k=2))
    assert result["llm"] == {"model": "some-llm", "answered": False}


def test_k_of_a_reranked_list_is_the_callers(service):
    answer = json.dumps({"ranking": [1, 2, 3]})
    result = with_llm(service, llm_of(ranking=[answer])).recommend(["a"], k=1, rerank=True)
    assert len(result["items"]) == 1


def test_words_are_read_and_what_the_catalogue_has_not_is_dropped(service):
    answer = TASTE | {
        "liked": ["Amelie", "No Such Film"],
        "dimensions": [{"name": "tense", "weight": -7}, {"name": "made up", "weight": 1}],
        "genres": [{"name": "romance", "weight": 1.0}, {"name": "Polka", "weight": 1}],
        "last_year": 1999,
    }
    seen = []
    llm = llm_of(taste=[json.dumps(answer)], seen=seen)
    result = with_llm(service, llm).ask(["like Amélie", "but older"], read_by_llm=True)
    assert "- love: two people" in seen[0]
    assert seen[0].endswith("What was said:\n1. like Amélie\n2. but older")
    taste = result["taste"]
    assert (taste["liked"], taste["dimensions"]) == ((2,), {"tense": -1.0})
    assert (taste["genres"], taste["first_year"], taste["last_year"]) == (
        {"Romance": 1.0}, None, 1999,
    )  # fmt: skip
    assert "c" not in ids(result), "what is liked is known already"


def test_an_llm_that_reads_nothing_asks_back_and_one_that_is_silent_leaves_it_to_names(service):
    llm = llm_of(taste=[json.dumps(TASTE), None])
    assert with_llm(service, llm).ask(["hm"], read_by_llm=True)["question"]
    by_name = with_llm(service, llm).ask(["love"], read_by_llm=True)
    assert ids(by_name)[0] == "c"
    assert by_name["llm"]["answered"] is False


def test_a_server_without_an_llm_says_so(service):
    with pytest.raises(NoLLM, match="--llm"):
        service.recommend(["a"], rerank=True)
    with pytest.raises(NoLLM, match="--llm"):
        service.ask(["love"], read_by_llm=True)


class Slow:
    """Answers a round when it is let."""

    def __init__(self):
        self.let, self.began, self.rounds = threading.Event(), threading.Event(), []

    def __call__(self, documents):
        self.rounds.append(documents["text"].to_list())
        self.began.set()
        self.let.wait(10)
        return ['{"n": 1}'] * documents.height


def document(text):
    return pl.DataFrame({"text": [text]})


def test_nobody_waits_longer_than_agreed_and_what_nobody_waits_for_is_not_sent():
    slow = Slow()
    live = Live(slow, 0.2)
    started = time.monotonic()
    assert live.answer(document("one")) is None
    assert time.monotonic() - started < 5
    assert live.answer(document("two")) is None, "the round has taken longer than agreed"
    slow.let.set()
    deadline = time.monotonic() + 5
    while live.answer(document("three")) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert ["two"] not in slow.rounds


def test_those_that_come_while_one_is_under_way_go_together():
    slow = Slow()
    live = Live(slow, 10)
    found = []
    threads = [
        threading.Thread(target=lambda n=n: found.append(live.answer(document(str(n)))))
        for n in range(4)
    ]
    threads[0].start()
    slow.began.wait(5)
    for thread in threads[1:]:
        thread.start()
    deadline = time.monotonic() + 5
    while live._queue.qsize() < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    slow.let.set()
    for thread in threads:
        thread.join(5)
    assert found == [{"n": 1}] * 4
    assert [len(of) for of in slow.rounds] == [1, 3]


def test_a_refusal_or_a_bug_answers_nobody_and_the_next_is_asked(caplog):
    answers = [RecfeatError("The key was refused."), ValueError("a bug"), ['{"n": 2}']]

    def ask(documents):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    live = Live(ask, 5.0)
    assert [live.answer(document("x")) for _ in range(3)] == [None, None, {"n": 2}]
    assert "The key was refused." in caplog.text
