"""Wikipedia's and Wikidata's Action APIs and the SPARQL service on the loopback.

After https://www.mediawiki.org/wiki/API:Query, API:Etiquette, Manual:Maxlag_parameter and the
Wikidata Query Service's user manual. SPARQL is answered by rdflib over the real data model, so any
query works that would work on Wikidata.

By hand: ``python -m recfeat_pipeline_tests.servers.wikimedia_server --data ../shared/data
--port 8903``, then ``RECFEAT_WIKIPEDIA_BASE_URL=http://127.0.0.1:8903``,
``RECFEAT_WIKIDATA_BASE_URL=http://127.0.0.1:8903/wikidata`` and
``RECFEAT_SPARQL_URL=http://127.0.0.1:8903/sparql``.
"""

import argparse
import re
import threading
from typing import Any
from urllib.parse import quote

import rdflib
from rdflib.plugins.sparql import CUSTOM_EVALS
from rdflib.plugins.sparql.evaluate import evalBGP

from recfeat_pipeline_tests.servers.articles import entity_of, name_of, wikitext_of
from recfeat_pipeline_tests.servers.films import Film, films_of_folder
from recfeat_pipeline_tests.servers.loopback import LoopbackServer, Request, Response

LIMIT = 50  # titles or ids a call, for clients without the "apihighlimits" right
WDT = rdflib.Namespace("http://www.wikidata.org/prop/direct/")
WD = rdflib.Namespace("http://www.wikidata.org/entity/")
SCHEMA = rdflib.Namespace("http://schema.org/")
INVALID = set("<>[]{}|#")


def _bound_first(context: Any, part: Any) -> Any:
    """Look up what is already bound before a whole site's articles: rdflib plans without data."""
    if part.name != "BGP":
        raise NotImplementedError  # rdflib's own evaluation

    def cost(triple: tuple[Any, ...]) -> tuple[int, int]:
        bound = [context[term] is not None for term in triple]
        variables = [isinstance(term, rdflib.Variable) for term in triple]
        return -sum(bound), -sum(b and v for b, v in zip(bound, variables, strict=True))

    return evalBGP(context, sorted(part.triples, key=cost))


CUSTOM_EVALS["bound first"] = _bound_first


class WikimediaServer(LoopbackServer):
    """``/w/api.php`` is the English Wikipedia, ``/wikidata/w/api.php`` Wikidata, ``/sparql`` WDQS.

    ``articles`` (title → wikitext) and ``redirects`` (title → (title, section)) may be edited; an
    edited article gets a new revision. Other languages are at ``/de/w/api.php``; their titles stand
    in ``articles`` as ``de:Titel``.
    """

    def __init__(self, films: list[Film], **options: Any):
        super().__init__(**options)
        self.articles: dict[str, str] = {}
        self.redirects: dict[str, tuple[str, str | None]] = {}
        self.entities: dict[str, dict[str, Any]] = {}
        self.merged: dict[str, str] = {}  # entity -> the one it was merged into
        self.revisions: dict[str, int] = {}
        self.lag = 0.0  # seconds of database lag, for maxlag
        self.max_result_bytes = 12_582_912
        self._graph = rdflib.Graph()
        self._graph_lock = threading.Lock()
        for film in films:
            self.add(film)

    # -- editing -------------------------------------------------------------------------------

    def add(self, film: Film) -> None:
        self.entities[film.qid] = entity_of(film)
        item = WD[film.qid]
        if film.imdb_id:
            self._graph.add((item, WDT.P345, rdflib.Literal(film.imdb_id)))
        self._graph.add((item, WDT.P4947, rdflib.Literal(str(film.tmdb_id))))
        if film.article:
            self.link(film.qid, film.article)
            self.edit(film.article, wikitext_of(film))

    def link(self, qid: str, title: str | None, language: str = "en") -> None:
        """Let an entity's article in a language be ``title``, or none."""
        wiki = rdflib.URIRef(f"https://{language}.wikipedia.org/")
        for article in list(self._graph.subjects(SCHEMA.about, WD[qid])):
            if (article, SCHEMA.isPartOf, wiki) in self._graph:
                self._graph.remove((article, None, None))
        if title:
            article = rdflib.URIRef(wiki + "wiki/" + quote(title.replace(" ", "_"), safe="()':,!"))
            self._graph.add((article, SCHEMA.about, WD[qid]))
            self._graph.add((article, SCHEMA.isPartOf, wiki))
            self._graph.add((article, SCHEMA.name, rdflib.Literal(title, lang=language)))

    def remap(self, imdb_id: str, qid: str) -> None:
        """Let another entity claim an IMDb id."""
        self._graph.remove((None, WDT.P345, rdflib.Literal(imdb_id)))
        self._graph.add((WD[qid], WDT.P345, rdflib.Literal(imdb_id)))

    def edit(self, title: str, wikitext: str) -> None:
        self.articles[title] = wikitext
        self.revisions[title] = (
            self.revisions.get(title, 1_000_000 + len(self.articles)) + 10_000_000
        )

    def edit_entity(self, qid: str) -> None:
        self.entities[qid]["lastrevid"] += 1

    def move(self, old: str, new: str, leave_redirect: bool = True) -> None:
        self.articles[new] = self.articles.pop(old)
        self.revisions[new] = self.revisions.pop(old) + 1
        if leave_redirect:
            self.redirects[old] = (new, None)

    def delete(self, title: str) -> None:
        del self.articles[title]

    # -- answering -----------------------------------------------------------------------------

    def route(self, request: Request) -> str:
        query = request.query
        if request.path == "/sparql":
            return "sparql"
        if query.get("action") == "wbgetentities":
            props = query.get("props", "")
            return {"info": "revision", "labels": "names"}.get(props, "entities")
        if "generator" in query:
            return "search"
        return "content" if "content" in query.get("rvprop", "") else "revision"

    def answer(self, request: Request) -> Response:
        agent = request.headers.get("User-Agent", "")
        if not agent or agent.startswith(("python-", "Python-", "curl/")):
            text = "Please set a user-agent and respect our robot policy https://w.wiki/4wJS."
            return Response(text, 403, {"Content-Type": "text/plain"})
        if request.path == "/sparql":
            return self._sparql(request)
        if language := re.fullmatch(r"/([a-z]{2,3})/w/api\.php", request.path):
            return self._other(language[1], request)
        if request.path not in ("/w/api.php", "/wikidata/w/api.php"):
            return Response(
                "<html><body>Not Found</body></html>", 404, {"Content-Type": "text/html"}
            )
        query = request.query
        if query.get("format") != "json":
            return Response("<!DOCTYPE html><html>MediaWiki API result</html>",
                            headers={"Content-Type": "text/html"})  # fmt: skip
        if query.get("formatversion") != "2":
            return _error("badvalue", "This server speaks formatversion=2 only.")
        if "maxlag" in query and self.lag > float(query["maxlag"]):
            return self.lagged()
        action = query.get("action")
        if action == "query" and request.path == "/w/api.php":
            return self._query(query)
        if action == "wbgetentities" and request.path == "/wikidata/w/api.php":
            return self._get_entities(query)
        return _error("badvalue", f'Unrecognized value for parameter "action": {action}.')

    def _other(self, language: str, request: Request) -> Response:
        """The Wikipedia of another language: a server of its articles alone."""
        mark = f"{language}:"
        wiki = WikimediaServer([])
        for title, text in self.articles.items():
            if title.startswith(mark):
                wiki.articles[title.removeprefix(mark)] = text
                wiki.revisions[title.removeprefix(mark)] = self.revisions[title]
        wiki._http.server_close()
        return wiki.answer(Request(request.method, "/w/api.php", request.query, request.headers))

    def lagged(self) -> Response:
        info = f"Waiting for 10.64.16.7: {self.lag:g} seconds lagged."
        response = _error("maxlag", info, host="10.64.16.7", lag=self.lag, type="db")
        response.headers |= {"Retry-After": self.retry_after or "5", "X-Database-Lag": "6"}
        return response

    def throttled(self) -> Response:
        text = "You are making too many requests. See https://w.wiki/4wJS."
        return Response(text, 429, {"Content-Type": "text/plain"})

    def broken(self) -> Response:
        text = "<!DOCTYPE html><html><title>Wikimedia Error</title>upstream connect error</html>"
        return Response(text, 503, {"Content-Type": "text/html"})

    def _sparql(self, request: Request) -> Response:
        wants_json = "json" in request.query.get("format", "") + request.headers.get("Accept", "")
        try:
            with self._graph_lock:
                result = self._graph.query(request.query.get("query", ""))
        except Exception as error:  # noqa: BLE001 - whatever the parser raises, the query is bad
            return Response(f"Malformed query: {error}", 400, {"Content-Type": "text/plain"})
        if not wants_json:
            return Response("<?xml version='1.0'?><sparql/>", headers={"Content-Type": "text/xml"})
        body = result.serialize(format="json").decode()
        return Response(body, headers={"Content-Type": "application/sparql-results+json"})

    # -- action=query --------------------------------------------------------------------------

    def _query(self, query: dict[str, str]) -> Response:
        body: dict[str, Any] = {}
        answer: dict[str, Any] = {}
        if query.get("generator") == "search":
            titles = self._search(query.get("gsrsearch", ""))
            start, limit = int(query.get("gsroffset", 0)), int(query.get("gsrlimit", 10))
            if len(titles) > start + limit:
                body["continue"] = {"gsroffset": start + limit, "continue": "gsroffset||"}
            found = titles[start : start + limit]
            pages = [self._page(t) | {"index": start + i + 1} for i, t in enumerate(found)]
        else:
            titles = query.get("titles", "").split("|")
            if len(titles) > LIMIT:
                return _too_many("titles")
            pages = self._resolve(titles, "redirects" in query, answer)
        if query.get("prop") == "revisions":
            more = self._add_revisions(pages, query)
            if more:
                body["continue"] = more
                body["warnings"] = {"result": {"warnings": "This result was truncated because it "
                    f"would otherwise be larger than the limit of {self.max_result_bytes:,} "
                    "bytes."}}  # fmt: skip
        if "rvcontinue" not in body.get("continue", {}):
            body["batchcomplete"] = True
        if pages:
            answer["pages"] = pages
        return Response(body | {"query": answer})

    def _resolve(
        self, titles: list[str], follow: bool, answer: dict[str, Any]
    ) -> list[dict[str, Any]]:
        pages: dict[str, dict[str, Any]] = {}
        for title in dict.fromkeys(titles):
            if not title or INVALID & set(title):
                pages[title] = {"title": title, "invalid": True,
                                "invalidreason": "The requested page title contains invalid "
                                                 "characters."}  # fmt: skip
                continue
            normal = title.replace("_", " ").strip()
            normal = normal[:1].upper() + normal[1:]
            if normal != title:
                answer.setdefault("normalized", []).append(
                    {"fromencoded": False, "from": title, "to": normal}
                )
            seen = set()
            while follow and normal in self.redirects and normal not in seen:
                seen.add(normal)
                target, section = self.redirects[normal]
                step = {"from": normal, "to": target}
                step |= {"tofragment": section} if section else {}
                if step not in answer.setdefault("redirects", []):
                    answer["redirects"].append(step)
                normal = target
            if normal not in seen:  # a redirect loop leads to no page
                pages[normal] = self._page(normal)
        return list(pages.values())

    def _page(self, title: str) -> dict[str, Any]:
        if title in self.articles:
            return {"pageid": self.revisions[title] % 10_000_000, "ns": 0, "title": title}
        return {"ns": 0, "title": title, "missing": True}

    def _add_revisions(
        self, pages: list[dict[str, Any]], query: dict[str, str]
    ) -> dict[str, str] | None:
        wanted = query.get("rvprop", "ids|timestamp|flags|comment|user").split("|")
        start = int(query.get("rvcontinue", "0|0").partition("|")[0])
        size = 0
        for page in sorted(pages, key=lambda page: page.get("pageid", 0)):
            if "pageid" not in page or page["pageid"] < start:
                continue
            text = self.articles[page["title"]]
            revid = self.revisions[page["title"]]
            revision: dict[str, Any] = {}
            if "ids" in wanted:
                revision |= {"revid": revid, "parentid": 0}
            if "timestamp" in wanted:
                revision["timestamp"] = "2026-11-01T00:00:00Z"
            if "size" in wanted:
                revision["size"] = len(text.encode())
            if "content" in wanted:
                size += len(text.encode())
                if size > self.max_result_bytes and size > len(text.encode()):
                    return {"rvcontinue": f"{page['pageid']}|{revid}", "continue": "||"}
                revision["slots"] = {
                    "main": {"contentmodel": "wikitext", "contentformat": "text/x-wiki",
                             "content": text}
                }  # fmt: skip
            page["revisions"] = [revision]
        return None

    def _search(self, terms: str) -> list[str]:
        """CirrusSearch in small: ``intitle:"…"`` must be in the title, the other words in the text;
        pages that are titled so come first."""
        before, quoted, after = terms.partition('intitle:"')
        phrase, _, rest = after.partition('"')
        words = (before + rest).casefold().split()
        found = [
            title
            for title, text in self.articles.items()
            if phrase.casefold() in title.casefold()
            and all(word in (title + " " + text).casefold() for word in words)
        ]
        return sorted(found, key=lambda title: (len(title), title)) if quoted or words else []

    # -- action=wbgetentities ------------------------------------------------------------------

    def _get_entities(self, query: dict[str, str]) -> Response:
        ids = query.get("ids", "").split("|")
        if len(ids) > LIMIT:
            return _too_many("ids")
        wanted = {"labels": ["labels"], "claims": ["claims"], "sitelinks": ["sitelinks"],
                  "info": ["lastrevid", "modified", "title", "pageid", "ns"]}  # fmt: skip
        names = [n for prop in query.get("props", "").split("|") for n in wanted.get(prop, [])]
        result: dict[str, Any] = {}
        for qid in ids:
            target = self.merged.get(qid, qid)
            entity = self.entities.get(target) or name_of(target)
            if entity is None:
                result[qid] = {"id": qid, "missing": True}
                continue
            result[qid] = {"type": "item", "id": target} | {
                n: entity[n] for n in names if n in entity
            }
            if target != qid:
                result[qid]["redirects"] = {"from": qid, "to": target}
        return Response({"entities": result, "success": 1})


def _error(code: str, info: str, **more: Any) -> Response:
    reference = "See https://en.wikipedia.org/w/api.php for API usage."
    body = {"error": {"code": code, "info": info, **more, "docref": reference}, "servedby": "mw1"}
    return Response(body, 200, {"MediaWiki-API-Error": code})


def _too_many(parameter: str) -> Response:
    info = f'Too many values supplied for parameter "{parameter}". The limit is {LIMIT}.'
    return _error("toomanyvalues", info, parameter=parameter, limit=LIMIT, lowlimit=LIMIT,
                  highlimit=500)  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="the shared data folder; without it, made-up films")
    parser.add_argument("--port", type=int, default=8903)
    arguments = parser.parse_args()
    server = WikimediaServer(films_of_folder(arguments.data), port=arguments.port, limit=20)
    server.serve_forever_from_shell()
