"""The loopback servers answer as the documents say the real ones do, whoever asks."""

import httpx
import pytest

from recfeat_pipeline_tests.servers.films import made_up_films
from recfeat_pipeline_tests.servers.tmdb_server import KEY, TmdbServer
from recfeat_pipeline_tests.servers.wikimedia_server import WikimediaServer

FILMS = made_up_films(60)


@pytest.fixture(scope="module")
def tmdb():
    with TmdbServer(FILMS, keys=(KEY, "t" * 100)) as server:
        yield server


@pytest.fixture(scope="module")
def wiki():
    with WikimediaServer(FILMS) as server:
        server.redirects["Number Zero"] = ("Film Number 0", "Plot")
        yield server


def ask_tmdb(tmdb, path, **params):
    return httpx.get(tmdb.url + path, params={"api_key": KEY, **params})


def ask_wiki(wiki, path="/w/api.php", **params):
    params = {"action": "query", "format": "json", "formatversion": 2, **params}
    return httpx.get(wiki.url + path, params=params, headers={"User-Agent": "tests/1 (a@b.c)"})


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        ("/3/movie/100", {"api_key": "wrong"}, 401, 7),
        ("/3/movie/99", {}, 404, 34),
        ("/3/nothing", {}, 404, 34),
        ("/3/movie/100", {"append_to_response": ",".join("abcdefghijklmnopqrstu")}, 400, 27),
        ("/3/find/tt0005000", {}, 422, 5),
        ("/3/movie/changes", {"start_date": "2026-01-01", "end_date": "2026-01-16"}, 422, 20),
        ("/3/movie/changes", {"start_date": "1 May"}, 400, 23),
        ("/3/movie/changes", {"page": 501}, 400, 22),
    ],
)
def test_tmdb_errors(tmdb, path, params, status, code):
    answer = ask_tmdb(tmdb, path, **params)
    assert (answer.status_code, answer.json()["status_code"]) == (status, code)
    assert answer.json()["success"] is False


def test_tmdb_takes_a_token_in_the_header_and_appends_only_what_is_asked(tmdb):
    token = {"Authorization": "Bearer " + "t" * 100}
    film = httpx.get(f"{tmdb.url}/3/movie/100", headers=token).json()
    assert film["title"] == "Film Number 0"
    assert "credits" not in film
    assert ask_tmdb(tmdb, "/3/movie/100", append_to_response="credits").json()["credits"]["cast"]


def test_wikimedia_wants_a_user_agent(wiki):
    assert httpx.get(f"{wiki.url}/w/api.php", params={"action": "query"}).status_code == 403


MANY = "|".join(f"Q{i}" for i in range(51))


@pytest.mark.parametrize(
    ("path", "params", "parameter"),
    [
        ("/w/api.php", {"titles": MANY}, "titles"),
        ("/wikidata/w/api.php", {"action": "wbgetentities", "ids": MANY}, "ids"),
    ],
)
def test_more_than_fifty_are_refused_with_http_200(wiki, path, params, parameter):
    answer = ask_wiki(wiki, path, **params)
    assert answer.status_code == 200
    assert answer.headers["MediaWiki-API-Error"] == "toomanyvalues"
    assert answer.json()["error"]["parameter"] == parameter


def test_lag_is_an_error_with_http_200_for_those_who_mind(wiki):
    wiki.lag = 7
    answer = ask_wiki(wiki, titles="Film Number 1", maxlag=5)
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, "maxlag")
    assert "Retry-After" in answer.headers
    assert "error" not in ask_wiki(wiki, titles="Film Number 1").json()
    wiki.lag = 0


def test_titles_are_normalised_redirected_missing_or_invalid(wiki):
    found = ask_wiki(wiki, titles="film_Number 1|Number Zero|Nowhere|A[b", redirects=1).json()
    query = found["query"]
    assert query["normalized"] == [
        {"fromencoded": False, "from": "film_Number 1", "to": "Film Number 1"}
    ]
    assert query["redirects"] == [
        {"from": "Number Zero", "to": "Film Number 0", "tofragment": "Plot"}
    ]
    kinds = {page["title"]: sorted(page) for page in query["pages"]}
    assert kinds == {
        "Film Number 1": ["ns", "pageid", "title"],
        "Film Number 0": ["ns", "pageid", "title"],
        "Nowhere": ["missing", "ns", "title"],
        "A[b": ["invalid", "invalidreason", "title"],
    }


def test_a_large_answer_is_cut_between_pages_and_continued(wiki):
    wiki.max_result_bytes = 3000
    params = {"titles": "Film Number 1|Film Number 2|Film Number 3", "prop": "revisions"}
    params |= {"rvprop": "ids|content", "rvslots": "main"}
    seen, more = 0, {}
    for _ in range(5):
        answer = ask_wiki(wiki, **params, **more).json()
        seen += sum("revisions" in page for page in answer["query"]["pages"])
        more = answer.get("continue", {})
        assert ("batchcomplete" in answer) is (not more)
        if not more:
            break
    wiki.max_result_bytes = 12_582_912
    assert seen == 3


def test_any_sparql_is_answered(wiki):
    text = """
        PREFIX wdt: <http://www.wikidata.org/prop/direct/> PREFIX schema: <http://schema.org/>
        SELECT ?name (COUNT(?item) AS ?n) WHERE {
          ?item wdt:P4947 "100" . ?article schema:about ?item ; schema:name ?name } GROUP BY ?name
    """
    head = {"User-Agent": "tests/1", "Accept": "application/sparql-results+json"}
    answer = httpx.post(f"{wiki.url}/sparql", data={"query": text}, headers=head).json()
    assert answer["head"]["vars"] == ["name", "n"]
    assert answer["results"]["bindings"][0]["name"]["value"] == "Film Number 0"
    assert httpx.get(f"{wiki.url}/sparql?query=SELEKT", headers=head).status_code == 400
