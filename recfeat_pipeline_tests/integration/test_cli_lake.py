"""The commands on one lake, in the order in which a user meets them, with a loopback LLM."""

import json
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from fastapi.testclient import TestClient

from recfeat_pipeline.commands.serving import open_current
from recfeat_pipeline.defs.instance import open_instance
from recfeat_pipeline.lake import FORMAT, Lake, shard_of
from recfeat_pipeline.serving.http import build_app
from recfeat_pipeline.store import open_store
from recfeat_pipeline_tests.integration.cli_world import N_ITEMS, TITLES, run, write_catalog
from recfeat_pipeline_tests.servers.films import made_up_films
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer
from recfeat_pipeline_tests.servers.tmdb_server import KEY, TmdbServer
from recfeat_pipeline_tests.servers.wikimedia_server import WikimediaServer

RUN = ("run", "--arms", "popularity,floor,llm", "--seeds", "0", "--steps", "5")
N_CALLS = 6 * N_ITEMS
SECRET = "sk-a-secret-that-nobody-may-see"


@pytest.fixture(scope="module")
def server():
    with OpenAIServer(api_key=SECRET) as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("little")
    write_catalog(folder)
    return folder


@pytest.fixture(autouse=True)
def _settings(monkeypatch, folder, server):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("RECFEAT_LAKE", str(folder / "lake"))
    monkeypatch.setenv("DAGSTER_HOME", str(folder / "lake" / "dagster_home"))
    monkeypatch.setenv("RECFEAT_LLM_BASE_URL", server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)


@pytest.fixture
def recfeat(capsys):
    """Runs a command line and makes sure that no key was shown."""

    def call(*arguments):
        ran = run(capsys, *arguments)
        assert SECRET not in ran.out + ran.err
        return ran

    return call


@pytest.fixture
def built(recfeat, folder, server):
    """A lake in which `recfeat run` has ended; it runs once."""
    if not (folder / "lake" / "report").exists():
        assert recfeat(*RUN, "--catalog", "little.toml").code == 0
        assert server.counts["chat"] == N_CALLS
    return Lake(folder / "lake")


def test_status_before_any_run_says_what_to_do(recfeat):
    ran = recfeat("status")
    assert ran.code == 1
    assert "There is no lake" in ran.error
    assert "recfeat run" in ran.error


def test_estimate_prices_the_catalogue_before_any_run(recfeat, server):
    ran = recfeat("estimate", "--catalog", "little.toml", "--models", "gpt-4.1-mini,nope", "--json")
    assert ran.code == 0
    priced, unpriced = ran.json["estimates"]
    assert (priced["calls"], priced["to_send"], priced["documents"]) == (N_CALLS, N_CALLS, N_ITEMS)
    assert priced["cost_usd"] == pytest.approx(2 * priced["cost_usd_batch"])
    assert priced["cost_usd"] > 0
    assert unpriced["cost_usd"] is None
    assert ran.json["source"] == "the own text of little"
    assert server.counts["chat"] == 0


def test_status_of_a_finished_run_is_fresh(recfeat, built):
    ran = recfeat("status", "--json", "--exit-code")
    assert ran.json["problems"] == []
    assert ran.code == 0
    assert {s["name"]: s["state"] for s in ran.json["stages"]} == dict.fromkeys(
        ("catalog", "text", "extraction", "feature_store", "training", "evaluation"), "fresh"
    )
    (version,) = ran.json["versions"]
    assert (version["calls"], version["answered"], version["failed"]) == (N_CALLS, N_CALLS, 0)
    assert version["promoted"]
    assert ran.json["spent_usd"] > 0
    assert ran.json["calls"] == N_CALLS
    assert {(r["arm"], r["state"]) for r in ran.json["runs"]} == {
        ("popularity", "fresh"), ("floor", "fresh"), ("llm", "fresh")
    }  # fmt: skip


def test_status_for_people_says_the_same(recfeat, built):
    ran = recfeat("status")
    assert "little in " in ran.out
    assert "Everything is fresh." in ran.out
    assert f"on {N_CALLS} calls" in ran.out


def test_estimate_counts_what_is_answered(recfeat, built):
    (estimate,) = recfeat("estimate", "--json").json["estimates"]
    assert (estimate["cached"], estimate["to_send"], estimate["cost_usd"]) == (N_CALLS, 0, 0)


def test_fingerprint_by_title_and_by_id(recfeat, built):
    by_title = recfeat("fingerprint", TITLES[2].upper(), "--json").json
    by_id = recfeat("fingerprint", "3", "--json").json
    assert by_title == by_id
    assert len(by_id["scores"]) == 132
    assert by_id["title"] == TITLES[2]
    shown = recfeat("fingerprint", "3", "--least", "0.1").out
    assert max(by_id["scores"], key=by_id["scores"].get) in shown
    assert "no LLM" not in shown
    assert "No score reaches 1.0" in recfeat("fingerprint", "3", "--least", "1").out


def test_neighbours_by_features_and_by_a_trained_arm(recfeat, built):
    near = recfeat("neighbours", "3", "-n", "4", "--json").json["neighbours"]
    similarities = [row["similarity"] for row in near]
    assert len(near) == 4
    assert similarities == sorted(similarities, reverse=True)
    assert 3 not in [row["item_id"] for row in near]
    trained = recfeat("neighbours", TITLES[2], "--space", "trained", "--arm", "B'", "--json").json
    assert trained["space"] == "the trained space of llm, seed 0"
    assert len(trained["neighbours"]) == 10
    assert TITLES[trained["neighbours"][0]["item_id"] - 1] == trained["neighbours"][0]["title"]


def test_report_is_written_again_and_copied(recfeat, built, folder):
    built.delete("report/report.html")
    ran = recfeat("report", "-o", "copy.html")
    assert ran.code == 0
    assert "</html>" in (folder / "copy.html").read_text()
    assert built.read_bytes("report/report.html") == (folder / "copy.html").read_bytes()


def test_features_are_exported_whole_and_say_what_they_are(recfeat, built, folder):
    ran = recfeat("export", "features.parquet")
    assert ran.code == 0
    assert f"{N_ITEMS} items × 132 dimensions, genome132-v1@" in ran.out
    table = pl.read_parquet(folder / "features.parquet")
    scores = recfeat("fingerprint", "3", "--json").json["scores"]
    [row] = table.filter(item_id=3).rows(named=True)
    assert table.columns == ["item_id", *scores], "the taxonomy's order"
    assert {name: row[name] for name in scores} == pytest.approx(scores)
    about = pl.read_parquet_metadata(folder / "features.parquet")
    assert about["recfeat.made_from"].endswith("scored by gpt-4.1-mini")
    assert recfeat("export", "features.csv", "--prompt-version", "genome132-v1").code == 0
    assert pl.read_csv(folder / "features.csv").shape == table.shape


def test_the_item_vectors_of_an_arm_are_exported(recfeat, built, folder):
    ran = recfeat("export", "vectors.parquet", "--what", "trained", "--arm", "B'")
    assert "llm, seed 0, trained on genome132-v1@" in ran.out
    vectors = pl.read_parquet(folder / "vectors.parquet")
    assert set(vectors["item_id"]) == set(built.read("items").filter("in_corpus")["item_id"])
    assert (vectors["vector"].list.eval(pl.element() ** 2).list.sum() - 1).abs().max() < 1e-5
    assert "trained:" in recfeat("export", "f.parquet", "--what", "trained", "--arm", "floor").out


def test_a_new_item_is_scored_from_a_text(recfeat, built, folder, server):
    before = server.counts["chat"]
    (folder / "new.txt").write_text("Plot: A lonely astronaut.\nGenres: Science fiction")
    command = ("score-item", "--title", "Solaris (1972)", "--text-file", "new.txt")
    scored = recfeat(*command, "--json", "--neighbours", "3").json
    assert server.counts["chat"] == before + 6
    assert len(scored["scores"]) == 132
    assert len(scored["neighbours"]) == 3
    assert recfeat(*command).code == 0
    assert server.counts["chat"] == before + 6, "scoring again paid again"
    assert recfeat("fingerprint", "Solaris (1972)", "--json").json["scores"] == scored["scores"]
    assert recfeat("neighbours", scored["item_id"]).code == 0


def test_running_again_pays_trains_and_writes_nothing_and_shows_what_came_out(
    recfeat, built, server
):
    """Nor does the item that was added in between change a measurement."""

    def written() -> dict[str, int]:
        patterns = ("responses/*/*", "runs/*/*/ranks.parquet")
        paths = [path for pattern in patterns for path in built.glob(pattern)]
        return {path: (built.state / path).stat().st_mtime_ns for path in paths}

    before = written()
    assert len(before) > 3
    asked = server.counts["chat"]
    ran = recfeat(*RUN, "--catalog", "little.toml")
    assert ran.code == 0
    assert server.counts["chat"] == asked
    assert written() == before
    for arm in ("popularity", "floor", "llm"):
        assert f"\n{arm}" in ran.out
    assert str(built.path("report", "report.html")) in ran.out
    assert "\x1b" not in ran.out + ran.err, "colour codes on a pipe"
    assert "Training and ranking" in ran.err
    page = built.read_bytes("report/report.html").decode()
    assert shlex.join(["recfeat", *RUN, "--catalog", "little.toml"]) in page, "to do it again"
    assert f"export RECFEAT_LAKE={built.root}" in page
    assert "OPENAI_API_KEY" in page
    assert SECRET not in page
    assert recfeat("fingerprint", "Solaris (1972)").code == 0
    assert recfeat("status", "--json").json["problems"] == []


def test_a_stage_that_stands_is_not_run_and_one_that_does_not_is(recfeat, built):
    """Nor are models looked at one by one. A damaged file is written again."""
    stages = ("Reading the catalogue", "Collecting texts, writing documents",
              "Extracting features", "Building the feature store")  # fmt: skip

    def stood(until: str = "feature_store") -> list[str]:
        ran = recfeat(*RUN, "--until", until)
        assert ran.code == 0
        return [stage for stage in stages if f"{stage}: nothing has changed" in ran.err]

    def runs() -> int:
        with open_instance(built) as instance:
            return instance.get_runs_count()

    before = runs()
    assert stood("training") == list(stages)
    assert runs() == before
    path = built.state / built.table_paths("events")[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
    assert stood() == list(stages[1:])
    assert path.read_bytes() == whole
    with open_instance(built) as instance:
        instance.wipe_assets([dg.AssetKey(["lake", "events"]), dg.AssetKey(["lake", "ranks"])])
    assert stood("training") == list(stages[1:]), "of what the history does not tell, it is told"
    with open_instance(built) as instance:
        ranked = instance.get_materialized_partitions(dg.AssetKey(["lake", "ranks"]))
    assert {key.partition("|")[0] for key in ranked} >= {"popularity", "floor", "llm"}


def test_a_new_item_is_scraped_by_its_tmdb_id(recfeat, built, monkeypatch):
    with TmdbServer(made_up_films(3)) as tmdb:
        monkeypatch.setenv("RECFEAT_TMDB_BASE_URL", tmdb.url)
        monkeypatch.setenv("TMDB_API_KEY", KEY)
        scored = recfeat("score-item", "--tmdb", "101", "--json")
        assert scored.code == 0
        assert scored.json["item_id"] == 10**12 + 101
        assert scored.json["title"] == "Film Number 1 (1951)"
        unknown = recfeat("score-item", "--tmdb", "999")
        assert unknown.code == 1
        assert "999" in unknown.error


def test_backfill_stands_beside_and_promotes_nothing(recfeat, built, server):
    promoted = built.meta["promoted"]
    before = server.counts["chat"]
    part = recfeat("backfill", "genome132-overview-only", "--shards", "0-7")
    assert part.code == 0
    assert 0 < server.counts["chat"] - before <= N_CALLS
    versions = recfeat("status", "--json").json["versions"]
    assert [v["state"] for v in versions] == ["fresh", "stale"]
    assert recfeat("backfill", "genome132-overview-only").code == 0
    assert built.meta["promoted"] == promoted
    versions = recfeat("status", "--json").json["versions"]
    assert [v["state"] for v in versions] == ["fresh", "fresh"]
    own = recfeat("fingerprint", "3", "--prompt-version", "genome132-overview-only", "--json").json
    assert own["version"].startswith("genome132-overview-only@")


def test_promoting_makes_the_arms_that_read_it_stale(recfeat, built):
    ran = recfeat("prompts", "promote", "genome132-overview-only")
    assert ran.code == 0
    listed = recfeat("prompts", "list", "--json").json
    assert [v["name"] for v in listed if v["promoted"]] == ["genome132-overview-only"]
    state = recfeat("status", "--json", "--exit-code")
    assert state.code == 3
    assert {r["arm"]: r["state"] for r in state.json["runs"]} == {
        "popularity": "fresh", "floor": "fresh", "llm": "stale"
    }  # fmt: skip
    told = recfeat("export", "old.parquet", "--what", "trained").out
    assert "STALE" in told
    assert recfeat("report").code == 0
    page = built.read_bytes("report/report.html").decode()
    assert "(stale: seed 0)" in page
    assert page.count("(stale: ") == 1
    assert recfeat("prompts", "promote", "genome132-v1").code == 0
    state = recfeat("status", "--json").json
    assert {r["state"] for r in state["runs"]} == {"fresh"}
    stale = [stage["name"] for stage in state["stages"] if stage["state"] != "fresh"]
    assert stale == ["evaluation"]  # agreement lacks the version that was extracted beside


def test_a_changed_catalogue_is_stale_until_it_is_read_again(recfeat, built, folder):
    source = folder / "items.csv"
    source.write_text(source.read_text().replace("In film 3 friends", "In film 3 strangers"))
    stages = {s["name"]: s for s in recfeat("status", "--json").json["stages"]}
    assert stages["catalog"]["state"] == "stale"
    assert "its files have changed since" in stages["catalog"]["detail"]
    assert recfeat("run", "--until", "text").code == 0
    (version,) = [v for v in recfeat("status", "--json").json["versions"] if v["promoted"]]
    assert (version["state"], version["missing"]) == ("stale", 6)


def test_a_budget_stops_the_run_and_the_next_one_goes_on(recfeat, built, server):
    before = server.counts["chat"]
    ran = recfeat("backfill", "genome132-v1+title-only", "--budget", "0.01")
    assert ran.code == 1
    assert "budget of $0.01 is reached" in ran.error
    assert server.counts["chat"] - before < N_CALLS
    assert recfeat("backfill", "genome132-v1+title-only").code == 0


def test_a_failed_call_is_told_and_asked_again_on_request(recfeat, built, server, monkeypatch):
    item = f"Title: {TITLES[0]}"
    server.fault = lambda asked: "refusal" if asked.document.startswith(item) else None
    ran = recfeat("backfill", "genome132-one-call")
    assert ran.code == 0
    assert re.search(r"  1 of \d+ calls have no valid answer \(refusal 1\)", ran.err)
    server.fault = None
    assert "(of earlier runs 1)" in recfeat("backfill", "genome132-one-call").err
    assert "asks again with RECFEAT_LLM_RETRY_FAILED=1 alone" in recfeat("status").err
    one_call = {v["key"].partition("@")[0]: v for v in recfeat("status", "--json").json["versions"]}
    found = one_call["genome132-one-call"]
    assert (found["state"], found["failed"], found["answered"]) == ("failed", 1, found["calls"] - 1)
    assert "RECFEAT_LLM_RETRY_FAILED=1" in found["detail"]
    monkeypatch.setenv("RECFEAT_LLM_RETRY_FAILED", "1")
    ran = recfeat("backfill", "genome132-one-call")
    assert ran.code == 0
    assert "no valid answer" not in ran.err
    versions = recfeat("status", "--json").json["versions"]
    assert {v["failed"] for v in versions} == {0}


def test_doctor_asks_the_endpoint_and_shows_no_key(recfeat, built, server):
    ran = recfeat("doctor", "--json")
    found = {finding["what"]: finding for finding in ran.json}
    assert found["LLM endpoint"]["state"] == "ok"
    assert "with a key" in found["LLM endpoint"]["found"]
    assert found["lake"]["found"].endswith(f"holds 'little', format {FORMAT}")
    assert found["feature store"]["state"] == "ok"
    settings = {
        row["variable"]: row["value"] for row in recfeat("doctor", "--settings", "--json").json
    }
    assert settings["RECFEAT_LLM_API_KEY"] == "set"
    assert settings["TMDB_API_KEY"] == "unset"


@pytest.mark.parametrize(
    ("setting", "value", "what", "said"),
    [
        ("OPENAI_API_KEY", "sk-wrong-and-secret", "LLM endpoint", "refuses to answer with a key"),
        ("RECFEAT_LLM_MODEL", "gpt-nope", "LLM endpoint", "does not list the model gpt-nope"),
        ("RECFEAT_LLM_BASE_URL", "http://127.0.0.1:9/v1", "LLM endpoint", "no connection"),
    ],
)
def test_doctor_finds_what_would_stop_a_run(
    recfeat, built, monkeypatch, setting, value, what, said
):
    monkeypatch.setenv(setting, value)
    ran = recfeat("doctor", "--json")
    assert ran.code == 3
    (finding,) = [f for f in ran.json if f["what"] == what]
    assert finding["state"] == "problem"
    assert said in finding["found"]
    assert finding["advice"]
    assert "sk-wrong" not in ran.out + ran.err


def test_doctor_asks_the_text_sources_that_are_enabled(recfeat, built, monkeypatch):
    films = made_up_films(2)
    with TmdbServer(films) as tmdb, WikimediaServer(films) as wikimedia:
        monkeypatch.setenv("RECFEAT_TMDB_BASE_URL", tmdb.url)
        monkeypatch.setenv("RECFEAT_WIKIPEDIA_BASE_URL", wikimedia.url)
        monkeypatch.setenv("RECFEAT_WIKIDATA_BASE_URL", wikimedia.url)
        monkeypatch.setenv("RECFEAT_CONTACT", "me@example.org")
        monkeypatch.setenv("TMDB_API_KEY", KEY)
        found = {f["what"]: f["state"] for f in recfeat("doctor", "--json").json}
        assert {found[f"text: {name}"] for name in ("tmdb", "wikipedia", "wikidata")} == {"ok"}
        others = ("english_wikipedia", "openlibrary", "musicbrainz", "page")
        assert {found[f"text: {name}"] for name in others} == {"skipped"}, "no item has such an id"
        monkeypatch.setenv("TMDB_API_KEY", "0123-wrong-and-secret")
        refused = recfeat("doctor", "--json")
        assert {f["what"]: f["state"] for f in refused.json}["text: tmdb"] == "problem"
        assert refused.code == 3
        assert "0123-wrong" not in refused.out + refused.err


def test_doctor_sees_a_store_in_use(recfeat, built):
    path = str(built.feature_store)
    code = f"import duckdb; c = duckdb.connect({path!r}); print(1, flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        holder.stdout.readline()
        found = {f["what"]: f for f in recfeat("doctor", "--offline", "--json").json}
    finally:
        holder.communicate(b"\n")
    assert found["feature store"]["state"] == "warning"
    assert "in use by another process" in found["feature store"]["found"]
    assert found["LLM endpoint"]["state"] == "skipped"


@pytest.mark.parametrize("command", ["ui", "explore"])
def test_a_port_in_use_is_found_before_anything_starts(recfeat, built, command):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = recfeat(command, "--port", port)
    assert ran.code == 1
    assert f"port {port}" in ran.error
    assert f"--port {port + 1}" in ran.error


def test_json_is_all_that_stands_on_stdout(recfeat, built):
    commands = (
        ("arms",), ("prompts", "list"), ("status",), ("estimate",), ("fingerprint", "1"),
        ("neighbours", "1"), ("doctor", "--offline"), ("check",), ("power",),
    )  # fmt: skip
    for command in commands:
        ran = recfeat(*command, "--json")
        assert ran.code in (0, 3), (command, ran.err)
        json.loads(ran.out)


def test_finished_arms_say_how_far_their_difference_spreads(recfeat, built):
    found = recfeat("power", "--json").json
    assert list(found["on"]) == list(found["spreads"]) == ["llm − floor"]
    assert found["users"] == built.read("ranks")["user_id"].n_unique()
    assert found["on"]["llm − floor"]["detectable"] > 0
    said = recfeat("power").out
    assert "llm − floor" in said
    assert "unknown" in said, "one seed does not know the luck of training"


def test_an_estimate_says_what_the_money_could_show(recfeat, built):
    """As `check` says it, before anything is bought."""
    power = recfeat("check", "--json").json["power"]
    assert recfeat("estimate", "--json").json["power"] == power
    least = 100 * power["on"]["EASE"]["detectable"]
    assert f"a change of MRR by {least:.1f} % on EASE" in recfeat("estimate").out


def test_nothing_of_the_key_is_in_the_lake(built):
    for path in Path(built.root).rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path


def test_profiles_from_elsewhere_become_a_version(recfeat, built, folder):
    texts = pl.DataFrame(
        {"film": ["3", "5", "99"], "text": ["A quiet drama.", "A loud comedy.", "Not ours."]}
    ).with_columns(labels=pl.lit("calm, slow,  sad"))
    texts.write_csv(folder / "texts.csv")
    arguments = ("import-profiles", folder / "texts.csv", "--item", "film", "--profile", "text")
    ran = recfeat(*arguments, "--name", "mine", "--tags", "labels")
    assert ran.code == 0
    assert ran.out.splitlines()[-1].startswith("1 row left out")
    with open_store(built) as store:
        found = store.table("features.item_profiles").pl()
    assert found["item_id"].sort().to_list() == [3, 5]
    assert set(found["version"]) == {ran.out.partition(":")[0]}
    assert found["tags"][0].to_list() == ["calm", "slow", "sad"]
    assert {round(sum(x * x for x in vector), 4) for vector in found["vector"]} == {1.0}
    states = {v["key"]: v["state"] for v in recfeat("status", "--json").json["versions"]}
    assert states[found["version"][0]] == "fresh"
    assert recfeat("export", "profiles.parquet", "--what", "profiles").code == 0
    exported = pl.read_parquet(folder / "profiles.parquet")
    assert exported["profile"].to_list() == ["A quiet drama.", "A loud comedy."]
    assert "prompt version's name" in recfeat(*arguments, "--name", "genome132-v1").error
    assert "no column 'item_id'" in recfeat("import-profiles", folder / "texts.csv").error


def test_profiles_of_users_are_bought_once_and_of_training_events(recfeat, built, server):
    train = built.read("events").filter(split="train")
    n_users, asked = train["user_id"].n_unique(), server.counts["chat"]
    ran = recfeat("profiles", "users")
    assert ran.code == 0
    assert f"{n_users} calls for {n_users} users: about $" in ran.err, "said before it is paid"
    assert server.counts["chat"] - asked == n_users
    assert recfeat("profiles", "users", "--changed", "0").code == 0
    assert server.counts["chat"] - asked == n_users, "nothing is new"
    items = built.read("items").select("item_index", item=pl.col("item_id").cast(pl.String))
    known = train.join(items, on="item_index").select("user_id", "item")
    with open_store(built) as store:
        found = store.table("features.user_profiles").pl()
    assert set(found["user_id"]) == set(train["user_id"])
    shown = found.select("user_id", item="history").explode("item")
    assert shown.join(known, on=["user_id", "item"], how="anti").is_empty()
    key = found["version"][0]

    def said():
        versions = recfeat("status", "--json").json["versions"]
        return {v["key"]: (v["state"], v["detail"]) for v in versions}[key]

    assert said() == ("fresh", f"profiles of {n_users} users")
    shard = shard_of(found["user_id"][:1], built.n_shards)[0]
    held = built.read("user_profiles", version=key, shard=shard).drop("version", "shard")
    built.write("user_profiles", held[1:], version=key, shard=shard)
    due = f"profiles of {n_users - 1} users; 1 due, by `recfeat profiles users`"
    assert said() == ("fresh", due)
    built.write("user_profiles", held, version=key, shard=shard)
    assert (
        "asks for scores" in recfeat("profiles", "users", "--prompt-version", "genome132-v1").error
    )


def test_scores_from_elsewhere_become_a_version(recfeat, built, folder):
    promoted = built.meta["promoted"]
    rows = [("3", "friendship", 0.9), ("5", "romance", 1.0), ("99", "romance", 0.1)]
    given = pl.DataFrame(rows, schema=["film", "dimension", "score"], orient="row")
    given.write_csv(folder / "scores.csv")
    arguments = ("import-scores", folder / "scores.csv", "--item", "film", "--name", "elsewhere")
    ran = recfeat(*arguments, "--taxonomy", "genome132")
    assert ran.code == 0
    assert ran.out.splitlines()[-1].startswith("1 row left out")
    key = ran.out.partition(":")[0]
    with open_store(built) as store:
        found = store.table("features.item_features").pl().filter(version=key)
    assert found.height == 2 * 132
    assert sorted(found.filter(pl.col("score") > 0)["dimension"]) == ["friendship", "romance"]
    assert set(found["model"]) == {"imported"}
    states = {v["key"]: v["state"] for v in recfeat("status", "--json").json["versions"]}
    assert states[key] == "fresh"
    assert built.meta["promoted"] == promoted
    assert recfeat(*arguments, "--taxonomy", "genome132", "--promote").code == 0
    assert recfeat("run", "--until", "extraction").code == 0
    assert built.meta["promoted"] == key, "what was extracted with would be promoted"
    assert "name a version" in recfeat("run", "--pilot", "5").error
    built.remember(promoted=promoted)  # as the next tests expect it
    other = "name: mine\ngroups: [{name: a, dimensions: [{name: b, gloss: c}]}]\n"
    (folder / "mine.yaml").write_text(other)
    assert "does not have" in recfeat(*arguments, "--taxonomy", folder / "mine.yaml").error
    assert "prompt version's name" in recfeat(*arguments[:-1], "item-profile-v1",
                                              "--taxonomy", "genome132").error  # fmt: skip


def test_a_student_scores_what_was_not_worth_a_call(recfeat, built):
    """Ten answers teach it; the others are scored by it, and say so wherever a model is shown."""
    ran = recfeat("distil", "--answers", "10", "--name", "cheap")
    assert ran.code == 0
    key = ran.out.partition(":")[0]
    assert f"{N_ITEMS - 10} items scored by the student" in ran.out
    with open_store(built) as store:
        found = store.table("features.item_features").pl().filter(version=key)
    models = dict(found.group_by("model").agg(pl.col("item_id").n_unique()).rows())
    own = f"student of {built.meta['promoted']}"
    assert models.pop(own) == N_ITEMS - 10
    assert sum(models.values()) == 10
    item = str(found.filter(model=own)["item_id"][0])
    shown = recfeat("fingerprint", item, "--prompt-version", "cheap", "--json").json
    assert shown["model"] == own
    assert "nothing is left" in recfeat("distil").error
    assert "the curve holds a fifth of them out" in recfeat("distil", "--curve").error
    assert "a student needs 10" in recfeat("distil", "elsewhere").error
    assert "prompt version's name" in recfeat("distil", "--name", "genome132-v1").error


def test_asking_in_words(recfeat, built):
    ran = recfeat("ask", "something with love", "but older", "-n", "3", "--json")
    assert ran.code == 0
    assert ran.json["version"] == built.meta["promoted"]
    first, second = (turn["items"] for turn in ran.json["turns"])
    assert len(first) == 3
    assert all(item["reasons"] for item in first)
    assert all(item["year"] <= 1966 for item in second), "the older two fifths"
    assert "no LLM" in ran.err
    assert "What should it be like?" in recfeat("ask", "what should I watch?").out
    assert "Say what is wanted" in recfeat("ask").error


def test_what_is_served_is_the_lakes_and_a_newer_store_takes_over(built):
    current = open_current(built, None)
    client = TestClient(build_app(current))
    about = client.get("/about").json()
    assert about["version"] == built.meta["promoted"]
    assert about["arms"] == ["llm", "floor", "popularity"], "those with vectors first"
    wanted = {"history": ["3", "5"], "k": 3, "explain": True}
    [first, *_] = client.post("/recommend", json=wanted).json()["items"]
    assert first["item_id"] not in wanted["history"]
    assert first["reasons"]
    with open_store(built, read_only=False) as store:
        store.execute("CREATE OR REPLACE TABLE ops.touched AS SELECT 1 AS touched")
    assert current.refresh()
    assert client.get("/about").json()["built"] != about["built"]


def test_reliability_of_what_is_stored(recfeat, built, server):
    before = server.counts["chat"]
    ran = recfeat("reliability", "--json")
    assert ran.code == 0
    assert server.counts["chat"] == before
    assert ran.json["version"] == built.meta["promoted"]
    n_items = built.read("documents").height  # `score-item` has added some
    for expected in (6 * n_items, 0):  # what was asked again is kept as well
        before = server.counts["chat"]
        again = recfeat("reliability", "--retest", "1", "--json")
        assert server.counts["chat"] - before == expected
    (twice,) = again.json["agreement"].values()
    assert {N_ITEMS <= row["n_items"] <= n_items for row in twice} == {True}
    assert {row["share_equal"] for row in twice} == {1.0}  # the loopback model has no noise
    against = recfeat("reliability", "--against", "genome132-v1+first-100")
    assert "holds no scores of genome132-v1+first-100@" in against.error


def test_arms_of_an_older_catalogue_do_not_stand_beside_new_ones(recfeat, built, folder):
    """An item has left the corpus, and only one arm was trained since."""
    events = pl.read_csv(folder / "events.csv")
    events.filter((pl.col("item") != 7) | (pl.col("user") < "u12")).write_csv(folder / "events.csv")
    ran = recfeat("run", "--arms", "popularity", "--seeds", "0")
    assert ran.code == 0
    with open_store(built) as store:
        counted = store.sql("SELECT DISTINCT arm FROM metrics.ranks").fetchall()
    assert counted == [("popularity",)]
    assert "made before the catalogue changed" in built.read_bytes("report/report.html").decode()
    assert recfeat(*RUN, "--until", "training").code == 0  # the next test's report counts them


def test_what_an_arm_no_longer_has_does_not_stop_the_others(recfeat, built, folder):
    """Its content is gone, or it was trained with seeds that no other arm has."""
    curated = ("run", "--arms", "curated,ease_profile", "--seeds", "1", "--steps", "5")
    ran = recfeat(*curated, "--until", "training")
    assert ran.code == 0
    assert "Left out: ease_profile. It needs profile:item-profile-v1 features" in ran.err
    toml = (folder / "little.toml").read_text()
    start, stop = toml.index("[tags]"), toml.index("[corpus]")
    (folder / "little.toml").write_text(toml[:start] + toml[stop:])
    ran = recfeat("run", "--arms", "popularity", "--seeds", "0")
    assert ran.code == 0
    assert "share no seed" in built.read_bytes("report/report.html").decode()
    with open_store(built) as store:
        counted = store.sql("SELECT DISTINCT arm FROM metrics.ranks").fetchall()
    assert {("floor",), ("llm",), ("popularity",)} <= set(counted)


def test_a_cascade_through_the_command(recfeat, built, server):
    n_items = built.read("documents").height  # with those that other tests added
    n_calls = n_items * N_CALLS // N_ITEMS
    before, server.noise = server.counts["chat"], 0.4
    try:
        assert recfeat("backfill", "genome132-cascade").code == 0
        sent = server.counts["chat"] - before
        assert recfeat("backfill", "genome132-cascade").code == 0
        assert server.counts["chat"] - before == sent
        pilot = recfeat("run", "--pilot", "5", "--prompt-version", "genome132-cascade").out
    finally:
        server.noise = 0.0
    assert "Cascade: the cheap model was unsure of" in pilot
    assert "Asked twice: median r = " in pilot
    assert "and 5 seeds, a change of MRR by " in pilot
    assert "The rest: 0 calls, about $" in pilot
    # The cheap model twice; the dear one's answers were bought for genome132-v1.
    assert sent == 2 * n_calls
    (estimate,) = recfeat(
        "estimate", "--prompt-version", "genome132-cascade", "--json"
    ).json["estimates"]  # fmt: skip
    assert (estimate["model"], estimate["to_send"]) == ("gpt-4.1-nano → gpt-4.1-mini", 0)
    versions = {v["key"].partition("@")[0]: v for v in recfeat("status", "--json").json["versions"]}
    found = versions["genome132-cascade"]
    assert (found["state"], found["missing"]) == ("fresh", 0)
    assert 2 * n_calls < found["calls"] < 3 * n_calls
    with open_store(built) as store:
        models = dict(
            store.execute(
                "SELECT model, count(*) FROM features.item_features "
                "WHERE version LIKE 'genome132-cascade@%' GROUP BY 1"
            ).fetchall()
        )
    assert set(models) == {"gpt-4.1-nano", "gpt-4.1-mini"}
    assert sum(models.values()) == 132 * n_items
