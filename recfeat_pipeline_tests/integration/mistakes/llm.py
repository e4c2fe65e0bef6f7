"""Endpoints of models and texts: keys, models, credit, schemas, networks."""

from recfeat_pipeline_tests.integration.mistakes.place import SECRET, Mistake, Place
from recfeat_pipeline_tests.servers.films import made_up_films
from recfeat_pipeline_tests.servers.tmdb_server import TmdbServer
from recfeat_pipeline_tests.servers.wikimedia_server import WikimediaServer

SCORE = "score-item --title Solaris --text-file new.txt"


def llm(fault: str | None = None, **options: object):
    """An endpoint that fails so."""
    return lambda place: place.llm(fault, **options)


def nobody(place: Place) -> None:
    place.llm()
    place.env(RECFEAT_LLM_BASE_URL="http://127.0.0.1:9/v1")


def tmdb(**options: object):
    """TMDB answers, but not to this key."""

    def prepare(place: Place) -> None:
        server = place.undo.enter_context(TmdbServer(made_up_films(2), **options))
        place.env(RECFEAT_TMDB_BASE_URL=server.url, TMDB_API_KEY=SECRET)

    return prepare


def a_web_page(place: Place) -> None:
    """The address leads to some site's pages."""
    server = place.undo.enter_context(WikimediaServer([]))
    place.env(RECFEAT_TMDB_BASE_URL=f"{server.url}/wiki", TMDB_API_KEY=SECRET)


MISTAKES = [
    Mistake(
        "a bad key",
        SCORE,
        ("http://127.0.0.1", "refuses the API key", "RECFEAT_LLM_API_KEY"),
        llm(api_key="another"),
    ),
    Mistake(
        "a model that the endpoint does not have",
        SCORE,
        ("http://127.0.0.1", "'gpt-nope'", "RECFEAT_LLM_MODEL"),
        lambda place: (place.llm(), place.env(RECFEAT_LLM_MODEL="gpt-nope")),
    ),
    Mistake(
        "a URL that is off by a path",
        SCORE,
        ("http://127.0.0.1", "the path", "RECFEAT_LLM_BASE_URL"),
        lambda place: place.env(
            RECFEAT_LLM_BASE_URL=place.llm().base_url.replace("/v1", "/api/v2")
        ),
    ),
    Mistake(
        "an endpoint that is not there",
        SCORE,
        ("http://127.0.0.1:9", "RECFEAT_LLM_BASE_URL"),
        nobody,
    ),
    Mistake(
        "an account without credit",
        SCORE,
        ("http://127.0.0.1", "no credit", "run again"),
        llm("quota"),
    ),
    Mistake(
        "an endpoint that moved",
        SCORE,
        ("http://127.0.0.1", "redirects", "RECFEAT_LLM_BASE_URL"),
        llm("redirect"),
    ),
    Mistake(
        "a model without schema support",
        SCORE,
        ("6 of 6 calls", "not_json", "RECFEAT_LLM_RETRY_FAILED", "another, RECFEAT_LLM_MODEL"),
        llm("not_json"),
    ),
    Mistake(
        "a parameter that the endpoint refuses",
        SCORE,
        ("The endpoint", "temperature", "the prompt version's parameters"),
        llm("400"),
    ),
    Mistake(
        "a budget for a model without a price",
        SCORE,
        ("'loopback'", "prices.toml", "without a budget"),
        lambda place: (
            place.llm(),
            place.env(RECFEAT_LLM_MODEL="loopback", RECFEAT_LLM_BUDGET_USD="1"),
        ),
    ),
    Mistake(
        "a budget that is too small",
        SCORE,
        ("budget of $0.00", "raise it"),
        lambda place: (place.llm(), place.env(RECFEAT_LLM_BUDGET_USD="0.0000001")),
    ),
    Mistake(
        "a TMDB that is not there",
        "score-item --tmdb 101",
        ("http://127.0.0.1:9 cannot be reached", "RECFEAT_TMDB_BASE_URL", "run again"),
        lambda place: place.env(RECFEAT_TMDB_BASE_URL="http://127.0.0.1:9", TMDB_API_KEY=SECRET),
    ),
    Mistake(
        "a page in place of TMDB's API",
        "score-item --tmdb 101",
        ("HTTP 404 with HTML", "not the API", "RECFEAT_TMDB_BASE_URL"),
        a_web_page,
    ),
    Mistake("a bad TMDB key", "score-item --tmdb 101", ("TMDB", "TMDB_API_KEY"), tmdb()),
    Mistake(
        "a film that TMDB does not have",
        "score-item --tmdb 999",
        ("TMDB has no film 999", "Check the id"),
        tmdb(keys=(SECRET,)),
    ),
]
