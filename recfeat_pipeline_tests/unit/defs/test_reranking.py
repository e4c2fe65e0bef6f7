"""Arms that reorder, on a checkerboard: what is bought, what is kept, what is left out."""

import zlib

import duckdb
import polars as pl
import pytest

from recfeat_pipeline.content.slot import ContentUnavailable
from recfeat_pipeline.defs.drive import Plan, arm_seed_pairs
from recfeat_pipeline.defs.evaluation.reranking import Reranked
from recfeat_pipeline.defs.resources import Reporter
from recfeat_pipeline.defs.training.augmenting import augment
from recfeat_pipeline.defs.training.inputs import load_data
from recfeat_pipeline.defs.training.judged import judge_runs
from recfeat_pipeline.defs.training.pairs import read_pairs
from recfeat_pipeline.defs.training.reordering import rerank
from recfeat_pipeline.defs.training.reranking import load_reranking, refuse_old_pairs
from recfeat_pipeline.defs.training.stored import StoredRun
from recfeat_pipeline.defs.training.user_lists import list_users
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.arms import load_arms, pairs_from, resolve_arms, rests_on
from recfeat_pipeline.models.made_of import corpus_hash
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.train import train_arm
from recfeat_pipeline.registry import use_folder
from recfeat_pipeline.schemas import DOCUMENTS
from recfeat_pipeline.settings import Settings
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer
from recfeat_pipeline_tests.unit.models.worlds import NO_CONTENT, checkerboard, make_data

ARM = 'title = "{name}"\nsection = "reranker"\nrole = "content"\nagainst = ["ease"]\n[model]\n'
ARM += 'family = "reranker"\n'
OWN = {
    "five": "",
    "again": "repeats = true",
    "fused": "fusion = true",
    "free": 'by = "ease_last_five"',
    "other": 'history = "other"',
    "many": "candidates = 1000",
}

LEARNS = 'title = "{0}"\nsection = "own"\nrole = "content"\nagainst = ["lightgcn"]\n[model]\n'
LEARNS += 'family = "lightgcn"\n[train]\npairs_from = "{0}"\n'


class Silent(Reporter):
    """Keeps the notes."""

    def __init__(self):
        self.notes = []

    def note(self, sentence):
        self.notes.append(sentence)


@pytest.fixture
def server(monkeypatch):
    with OpenAIServer() as server:
        monkeypatch.setenv("RECFEAT_LLM_BASE_URL", server.base_url)
        monkeypatch.setenv("RECFEAT_LLM_API_KEY", "key")
        yield server


@pytest.fixture
def lake(tmp_path):
    """A lake with EASE's run, and a folder of arms that reorder it."""
    own = tmp_path / "arms"
    own.mkdir()
    for name, more in OWN.items():
        candidates = "" if "candidates" in more else "candidates = 5\n"
        (own / f"{name}.toml").write_text(ARM.format(name=name) + candidates + more)
    for name in ("five", "free", "many", "ease"):
        (own / f"of_{name}.toml").write_text(LEARNS.format(name))
    use_folder(str(own))
    lake = Lake(tmp_path / "lake")
    lake.open()
    data = make_data(checkerboard(n_users=200))
    items = data.items.with_columns(title="item_id", year=1990).with_columns(
        title=data.items["item_id"].cast(str)
    )
    lake.write("items", items)
    lake.write("events", data.events)
    lake.write("examples", data.examples)
    documents = items.select(
        "item_id", "title", text="title", content_hash="title", n_chars=600, fields=None
    )
    lake.write("documents", documents.cast(DOCUMENTS), shard="00", part="documents")
    lake.write_note("corpus", {"split": "provided"})
    for name in ("ease", "ease_last_five"):
        arm = load_arms()[name]
        ranks = train_arm(arm, data, NO_CONTENT, Recipe(arm.settings, out_dir=tmp_path)).ranks
        run = StoredRun(lake, arm, 0)
        lake.write("ranks", ranks, **run.key)
        lake.write_note("made_from", {"fingerprint": name}, **run.key)
    lake.remember(examples=12)
    return lake


def load(lake, name):
    return load_reranking(lake, duckdb.connect(), load_arms()[name], 0, "corpus", Settings())


def run(lake, *names):
    """Run arms; gives what was noted."""
    reporter = Silent()
    for name in names:
        rerank(load(lake, name), Settings(), reporter)
    return reporter.notes


def test_a_sample_is_bought_once_and_stands_for_all_that_can_change(lake, server):
    [note] = run(lake, "five")
    assert note.startswith("five: 12 of 12 calls to send, about $")
    assert "four times in five" in note
    rows = lake.read("reranked", arm="five", seed="0")
    asked = rows.drop_nulls("weight")
    assert server.groups["ranking"] == asked.height == 12
    assert asked["weight"].sum() == pytest.approx((rows["base_rank"] <= 5).sum())
    assert asked["base_rank"].max() <= 5
    assert asked["rank"].is_between(1, 5).all()
    assert rows.filter(rows["weight"].is_null())["rank"].is_null().all()
    assert rows["coverage"].unique().to_list() == [1.0]

    before = load(lake, "five").made_from
    assert StoredRun(lake, load_arms()["five"], 0).is_current(before)
    run(lake, "five", "fused")
    assert server.groups["ranking"] == 12 + 6, "fusion asks half as many of validation besides"
    lake.remember(examples=20)
    assert load(lake, "five").made_from != before
    run(lake, "five")
    assert server.groups["ranking"] == 18 + 8, "a larger sample holds the smaller one"


def test_more_candidates_than_there_are_is_a_sentence(lake, server):
    with pytest.raises(ContentUnavailable, match="the best 1000 that 'ease' finds") as refused:
        run(lake, "many")
    assert str(refused.value).startswith("Nothing to reorder: of ")
    assert server.groups.total() == 0


def test_other_showings_are_other_calls_and_a_retest_asks_the_same_again(lake, server):
    run(lake, "five", "again", "other", "free")
    assert server.groups["ranking"] == 36
    rows = lake.read("reranked")
    same = rows.filter(rows["arm"].is_in(["five", "again"])).drop_nulls("weight")
    assert same.select("example_id", "shown").n_unique() == 12
    assert same["cache_key"].n_unique() == 24


def test_what_the_runs_say_of_themselves(lake, server):
    run(lake, "five", "again", "free")
    found = Reranked(lake)
    said = {row["arm"]: row for row in found.rerankers().iter_rows(named=True)}
    assert said["five"]["asked"] == said["five"]["answered"] == 12
    assert said["five"]["usd_per_1000"] > 0
    assert said["again"]["repeats"] == "five"
    assert said["again"]["overlap"] == 1  # the loopback model knows no chance
    assert said["free"]["model"] is None
    [five] = found.contrasts().filter(arm="five", slice="all", metric="mrr").rows(named=True)
    ease = lake.read("ranks", arm="ease", seed="0")
    assert five["reference_value"] == pytest.approx((1 / ease["rank"]).mean(), rel=0.05)
    routes = {row["policy"]: row for row in found.routes().rows(named=True)}
    assert routes["always"]["delta"] == pytest.approx(five["delta"])
    assert routes["never"]["usd_per_1000"] == 0


class Stubborn:
    """Recorded answers: to every third request, however often it is asked, a number twice."""

    def get(self, asked):
        document, _ = asked
        return [1, 1] if zlib.crc32(document.encode()) % 3 == 0 else None


def test_an_answer_that_is_never_valid_leaves_the_bases_order(lake, server):
    server.knowledge.rankings = Stubborn()
    lake.remember(examples=30)
    run(lake, "five")
    asked = lake.read("reranked", arm="five", seed="0").drop_nulls("weight")
    unanswered = asked.filter(asked["picks"].is_null())
    assert 3 < unanswered.height < 27
    assert (unanswered["rank"] == unanswered["base_rank"]).all()
    [said] = Reranked(lake).rerankers().rows(named=True)
    assert said["answered"] == 30 - unanswered.height
    assert said["no_such_candidate"] == unanswered.height
    assert said["attempts"] > 1


def test_tomorrows_lists_have_the_llms_order_and_nothing_seen(lake, server):
    run(lake, "five")
    plain = listed(lake, "ease", 6)
    ours = listed(lake, "five", 6)
    assert server.groups["ranking"] == 12 + 10, "a call a user, and what was asked is not asked"
    assert plain["user_id"].n_unique() == ours["user_id"].n_unique() == 10
    both = plain.join(ours, on=["user_id", "position"], suffix="_new")
    assert (both["item_id"] != both["item_id_new"]).any()
    assert (
        both.filter(position=6)
        .select(same=pl.col("item_id") == pl.col("item_id_new"))["same"]
        .all()
    ), "beyond the candidates the base's order stands"
    for user, items in ours.group_by("user_id").agg("item_id").rows():
        events = lake.read("events").filter(user_id=user)
        assert not {index + 100 for index in events["item_index"]} & set(items)
    listed(lake, "five", 6)
    assert server.groups["ranking"] == 22


def listed(lake, name, length):
    store = duckdb.connect()
    return list_users(lake, store, load_arms()[name], 0, length, 10, Settings(), Silent())


def test_without_an_llm_the_arm_is_left_out_unless_it_was_asked_before(lake, monkeypatch):
    monkeypatch.delenv("RECFEAT_LLM_BASE_URL", raising=False)
    with pytest.raises(ContentUnavailable, match="no endpoint or key is set"):
        load(lake, "five")
    run(lake, "free")  # asks nobody
    with OpenAIServer() as server:
        monkeypatch.setenv("RECFEAT_LLM_BASE_URL", server.base_url)
        monkeypatch.setenv("RECFEAT_LLM_API_KEY", "key")
        run(lake, "five")
        made = load(lake, "five").made_from
    monkeypatch.delenv("RECFEAT_LLM_BASE_URL")
    monkeypatch.delenv("RECFEAT_LLM_API_KEY")
    assert load(lake, "five").made_from == made, "it is what it was"


def test_what_it_rests_on_is_fitted_first_and_must_be_there(lake, server):
    plan = Plan(load_version("genome132-v1"), resolve_arms("free,five"), [0, 1])
    assert [arm.id for arm, _ in arm_seed_pairs(plan)] == ["ease", "ease_last_five"]
    assert [arm.id for arm in plan.reordering] == ["free", "five"]
    lake.drop_note("made_from", arm="ease_last_five", seed="0")
    with pytest.raises(ContentUnavailable, match="what 'ease_last_five' finds, which has no run"):
        load(lake, "free")


@pytest.mark.parametrize("line", ['base = "eas"', 'base = "ease_reranked"', 'by = "gpt"'])
def test_a_base_that_is_no_arm_is_refused(tmp_path, line):
    (tmp_path / "wrong.toml").write_text(ARM.format(name="wrong") + line)
    use_folder(str(tmp_path))
    with pytest.raises(RecfeatError, match=r"wrong\.toml: \[model\] (base|by) = .* is no arm"):
        rests_on(load_arms()["wrong"])


def pairs_of(lake, name):
    note = lake.read_note("pairs_from", arm=name, seed="0")
    of = load_reranking(
        lake, duckdb.connect(), load_arms()[name], 0, "corpus", Settings(), made=note
    )
    return augment(of, Settings(), Silent())


def test_pairs_are_of_training_users_who_took_neither_and_bought_once(lake, server):
    asked = pairs_of(lake, "five")
    assert server.groups["ranking"] == asked.height == 12
    train = lake.read("events").filter(pl.col("split") == "train")
    taken = train.join(lake.read("items").select("item_id", "item_index"), on="item_index")
    assert asked["user_id"].is_in(train["user_id"].implode()).all()
    for side in ("preferred_item_id", "passed_item_id"):
        met = asked.join(taken, left_on=["user_id", side], right_on=["user_id", "item_id"])
        assert met.is_empty()
    assert (asked["preferred_item_id"] != asked["passed_item_id"]).all()
    assert pairs_of(lake, "five").equals(asked)
    lake.remember(examples=20)
    more = pairs_of(lake, "five")
    assert server.groups["ranking"] == more.height == 20, "a larger sample holds the smaller one"
    assert asked.join(more, on=asked.columns, how="anti").is_empty()


def test_calls_that_failed_are_asked_again_where_that_is_wanted_and_lost_pairs_made(
    lake, server, monkeypatch
):
    failed = []

    def fail_one(asked):
        failed[:] = failed or [asked.document]
        return "not_json" if asked.document in failed else None

    server.fault = fail_one
    assert pairs_of(lake, "five").height == 11
    server.fault = lambda asked: None
    once = server.groups["ranking"]
    assert pairs_of(lake, "five").height == 11
    monkeypatch.setenv("RECFEAT_LLM_RETRY_FAILED", "1")
    found = pairs_of(lake, "five")
    assert (found.height, server.groups["ranking"]) == (12, once + 1)
    monkeypatch.delenv("RECFEAT_LLM_RETRY_FAILED")
    lake.drop("augmented_pairs")
    with pytest.raises(ContentUnavailable):
        read_pairs(lake, load_arms()["of_five"], 0, lake.read("items"))
    assert pairs_of(lake, "five").equals(found)
    assert server.groups["ranking"] == once + 1


def test_pairs_follow_the_order_that_was_given(lake, server):
    """EASE's last-five order is what it is, and an LLM's answer comes first."""
    free, asked = pairs_of(lake, "free"), pairs_of(lake, "five")
    assert server.groups["ranking"] == 12
    assert free["user_id"].to_list() == asked["user_id"].to_list()
    assert not free.equals(asked)
    items = lake.read("items")
    found = read_pairs(lake, load_arms()["of_five"], 0, items)
    back = dict(items.select("item_index", "item_id").iter_rows())
    assert [back[item] for item in found["preferred"]] == asked["preferred_item_id"].to_list()
    assert [back[item] for item in found["passed"]] == asked["passed_item_id"].to_list()


def test_answers_that_name_nothing_are_no_pairs(lake, server):
    server.fault = lambda asked: "not_json"
    with pytest.raises(RecfeatError):
        pairs_of(lake, "five")
    assert not lake.has("augmented_pairs")


def test_pairs_of_a_base_that_was_fitted_again_are_stale(lake, server, monkeypatch):
    """The run itself is judged current, so that its pairs alone can tell."""
    monkeypatch.setattr(StoredRun, "is_current", lambda *_: True)
    monkeypatch.setattr(StoredRun, "is_whole", True)
    monkeypatch.setattr(StoredRun, "summary", lambda _: {"steps": 1})
    pairs_of(lake, "five")
    learns = StoredRun(lake, load_arms()["of_five"], 0)
    lake.write_note("made_from", {"fingerprint": "x"}, **learns.key)

    def state():
        return [run.state for run in judge_runs(lake, duckdb.connect(), "of_five")]

    note = lake.read_note("pairs_from", arm="five", seed="0")
    corpus = corpus_hash(load_data(lake))
    of = load_reranking(lake, duckdb.connect(), load_arms()["five"], 0, corpus, made=note)
    lake.write_note("pairs_from", note | {"fingerprint": of.made_from}, arm="five", seed="0")
    assert state() == ["fresh"]
    lake.write_note("made_from", {"fingerprint": "another"}, arm="ease", seed="0")
    assert state() == ["stale"]


def test_without_a_key_what_was_asked_serves_and_other_requests_leave_the_arm_out(
    lake, server, monkeypatch
):
    asked = pairs_of(lake, "five")
    run(lake, "five")
    calls = server.groups["ranking"]
    for name in ("RECFEAT_LLM_BASE_URL", "RECFEAT_LLM_API_KEY"):
        monkeypatch.delenv(name)
    assert pairs_of(lake, "five").equals(asked)
    refuse_old_pairs(lake, duckdb.connect(), load_arms()["of_five"], 0, "corpus")
    lake.remember(examples=20)
    with pytest.raises(ContentUnavailable, match=r"8 of its 20 requests .* no endpoint or key"):
        pairs_of(lake, "five")
    with pytest.raises(ContentUnavailable, match="requests are others than were asked before"):
        run(lake, "five")
    lake.write_note("made_from", {"fingerprint": "another"}, arm="ease", seed="0")
    with pytest.raises(ContentUnavailable, match="made of other events or another base"):
        refuse_old_pairs(lake, duckdb.connect(), load_arms()["of_five"], 0, "corpus")
    assert server.groups["ranking"] == calls


def test_an_arm_without_its_pairs_says_who_makes_them(lake):
    items = lake.read("items")
    with pytest.raises(ContentUnavailable, match=r"the order of 'five' .* lake/augmented_pairs"):
        read_pairs(lake, load_arms()["of_five"], 0, items)
    StoredRun(lake, load_arms()["of_five"], 0).skip("no key is set")
    with pytest.raises(ContentUnavailable, match="no key is set"):
        read_pairs(lake, load_arms()["of_five"], 0, items)
    assert read_pairs(lake, load_arms()["lightgcn"], 0, items) is None


def test_candidates_that_no_training_user_has_are_a_sentence(lake, server):
    with pytest.raises(ContentUnavailable, match="fewer `candidates` in the file of 'many'"):
        pairs_of(lake, "many")
    assert server.groups.total() == 0


def test_what_pairs_rest_on_is_fitted_first(lake):
    plan = Plan(load_version("genome132-v1"), resolve_arms("of_free"), [0])
    assert [arm.id for arm in plan.fitted] == ["of_free", "ease", "ease_last_five"]
    assert [arm.id for arm in plan.asking] == ["free"]
    assert plan.reordering == []
    with pytest.raises(RecfeatError, match=r"pairs_from = 'ease' is no arm that reorders"):
        pairs_from(load_arms()["of_ease"])
