"""What ``recfeat doctor`` looks at: this machine, the lake, and the servers that settings name."""

import platform
import shutil
import time
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import NamedTuple

import httpx
from packaging.requirements import Requirement
from packaging.version import Version
from pydantic import SecretStr

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.prompts import DEFAULT
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings, variables, without_password
from recfeat_pipeline.store import built, open_store
from recfeat_pipeline.text.http import user_agent
from recfeat_pipeline.text.source import Source
from recfeat_pipeline.text.sources import source_types

SHOWN = ("dagster", "duckdb", "polars", "torch", "lightning", "openai")
EXTRAS = {
    "ui": "dagster-webserver",
    "explore": "nicegui",
    "serve": "fastapi",
    "ann": "faiss-cpu",
    "tokens": "bpe-openai",
    "s3": "s3fs",
}
LOW_DISK, LITTLE_DISK = 1e9, 5e9  # bytes
TIMEOUT = 10.0  # seconds
HOW = {"RECFEAT_CONTACT": " to your e-mail address, as it asks"}
OPENAI = "https://api.openai.com/v1"


class Finding(NamedTuple):
    """One thing looked at. ``state`` is ok, warning, problem or skipped."""

    what: str
    state: str
    found: str
    advice: str = ""


def diagnose(settings: Settings, online: bool = True) -> list[Finding]:
    """Look at everything; ``online`` also asks each server one free question."""
    findings = [*_packages(), *_lake(settings)]
    endpoint = _endpoint(settings, online)
    return [*findings, endpoint, *_sources(settings, online)]


def setting_rows(settings: Settings) -> list[dict[str, str]]:
    """Every setting: its variable, its value (of a secret only whether it is set), its meaning."""
    rows = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            shown = "set"
        else:
            shown = "unset" if value is None else without_password(str(value))
        meaning = field.description or ""
        rows.append({"variable": variables(name)[0], "value": shown, "meaning": meaning})
    return rows


def _packages() -> Iterator[Finding]:
    yield Finding("Python", "ok", platform.python_version())
    for line in metadata.requires("recfeat_pipeline") or []:
        wanted = Requirement(line)
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            there = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            advice = f"pip install '{wanted.name}{wanted.specifier}'"
            yield Finding(wanted.name, "problem", "not installed", advice)
            continue
        if not wanted.specifier.contains(Version(there), prereleases=True):
            advice = f"pip install '{wanted.name}{wanted.specifier}'"
            yield Finding(wanted.name, "warning", f"{there}, tried with {wanted.specifier}", advice)
        elif wanted.name in SHOWN:
            yield Finding(wanted.name, "ok", there)
    for extra, package in EXTRAS.items():
        try:
            yield Finding(f"extra: {extra}", "ok", f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            advice = f"if you need it: pip install 'recfeat_pipeline[{extra}]'"
            yield Finding(f"extra: {extra}", "skipped", f"{package} is not installed", advice)


def _lake(settings: Settings) -> Iterator[Finding]:
    try:
        lake = Lake(settings.lake)
        meta = lake.meta
    except RecfeatError as error:
        yield Finding("lake", "problem", str(error))
        return
    there = lake.read_note("lake") is not None
    held = f"holds {meta.get('name', 'no catalogue yet')!r}" if there else "not there yet"
    yield Finding("lake", "ok", f"{lake.root}: {held}, format {meta['format']}")
    yield from _disk(lake)
    yield _store(lake)
    yield from _journal(lake)


def _disk(lake: Lake) -> Iterator[Finding]:
    place = next(path for path in (lake.state, *lake.state.parents) if path.exists())
    try:
        probe = place / f".recfeat-doctor-{time.time_ns()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        advice = "mend its permissions, or set RECFEAT_LAKE to another folder"
        yield Finding("writing", "problem", f"cannot write in {place}: {error.strerror}", advice)
    free = shutil.disk_usage(place).free
    state = "problem" if free < LOW_DISK else "warning" if free < LITTLE_DISK else "ok"
    advice = "" if state == "ok" else "free some space, or set RECFEAT_LAKE to another disk"
    yield Finding("disk", state, f"{free / 1e9:,.1f} GB free at {place}", advice)


def _store(lake: Lake) -> Finding:
    build = built(lake)
    if build is None:
        return Finding("feature store", "ok", "not built yet")
    try:
        with open_store(lake, wait_seconds=0) as store:
            row = store.execute("SELECT count(*) FROM duckdb_tables()").fetchone()
    except RecfeatError as error:
        state = "warning" if "in use" in str(error) else "problem"
        return Finding("feature store", state, str(error))
    size = build.bytes / 1e6
    return Finding("feature store", "ok", f"{row[0] if row else 0} tables, {size:,.1f} MB, free")


def _journal(lake: Lake) -> Iterator[Finding]:
    waiting = [p for p in (lake.state / "journal").glob("*.jsonl") if p.stat().st_size]
    if waiting:
        found = f"{len(waiting)} shards hold answers of a run that is going on or was killed"
        yield Finding("journal", "ok", found, "the next run keeps them")
    damaged = list((lake.state / "journal").glob("*.damaged"))
    if damaged:
        n_lines = sum(path.read_bytes().count(b"\n") for path in damaged)
        found = f"lines that could not be read were put aside: {n_lines:,}, in {damaged[0]}"
        yield Finding("journal", "warning", found, "look at them; those calls are asked again")


def _endpoint(settings: Settings, online: bool) -> Finding:
    what = "LLM endpoint"
    if not settings.has_llm:
        advice = "set OPENAI_API_KEY, or RECFEAT_LLM_BASE_URL for a server of your own"
        return Finding(what, "skipped", "none: the lexical extractor answers (no LLM)", advice)
    base = (settings.llm_base_url or OPENAI).rstrip("/")
    shown = without_password(base)
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else None
    with_key = "with a key" if key else "without a key"
    if not online:
        return Finding(what, "skipped", f"{shown}, {with_key}; not asked")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = _ask(f"{base}/models", headers=headers)
    if isinstance(answer, str):
        return Finding(what, "problem", f"{shown}: {answer}", "mend RECFEAT_LLM_BASE_URL")
    if answer.status_code in (401, 403):
        advice = "set RECFEAT_LLM_API_KEY (or OPENAI_API_KEY) to a valid key"
        return Finding(what, "problem", f"{shown} refuses to answer {with_key}", advice)
    if answer.status_code != 200:
        advice = "does the URL end in /v1, as most servers' do?"
        return Finding(what, "warning", f"{shown} answers HTTP {answer.status_code}", advice)
    model = settings.llm_model or load_version(DEFAULT, settings.prompts).model
    took = f"{answer.elapsed.total_seconds() * 1000:.0f} ms"
    try:
        models = [str(listed["id"]) for listed in answer.json()["data"]]
    except (ValueError, KeyError, TypeError):
        return Finding(what, "warning", f"{shown} lists no models ({took})", "is it the right URL?")
    if model not in models:
        advice = f"set RECFEAT_LLM_MODEL to one of: {', '.join(models[:8])}"
        return Finding(what, "problem", f"{shown} does not list the model {model}", advice)
    return Finding(what, "ok", f"{shown}, {with_key}, model {model}, {took}")


def _sources(settings: Settings, online: bool) -> Iterator[Finding]:
    """Each text source: asked, or why not."""
    given = _ids_given(settings)
    for name, kind in source_types(settings.sources).items():
        what = f"text: {name}"
        source = kind.from_settings(settings)
        if source is None:
            advice = f"for its texts, set {kind.switch}{HOW.get(kind.switch, '')}"
            yield Finding(what, "skipped", f"{kind.switch} does not enable it", advice)
        elif kind.finds_by and not given & {*kind.finds_by}:
            names = " or ".join(kind.finds_by)
            found, advice = f"no item has its {names}", "name a column under [items.ids]"
            yield Finding(what, "skipped", found, advice)
        else:
            yield _source(what, source, settings, online)


def _ids_given(settings: Settings) -> set[str]:
    """The names under ``[items.ids]`` of the lake's catalogue."""
    try:
        lake = Lake(settings.lake)
        return {*lake.read("item_ids")["name"]} if lake.has("item_ids") else set()
    except RecfeatError:
        return set()  # said of the lake itself


def _source(what: str, source: Source, settings: Settings, online: bool) -> Finding:
    question = source.question()
    if question is None:
        return Finding(what, "ok", f"enabled; it is found at {source.address}")
    site = httpx.URL(question.url)
    shown = without_password(f"{site.scheme}://{site.netloc.decode()}")
    if not online:
        return Finding(what, "skipped", f"{shown}; not asked")
    headers = {"User-Agent": user_agent(settings.contact), **question.headers}
    answer = _ask(question.url, question.query, headers)
    if isinstance(answer, str):
        advice = f"check the network, or {source.address}"
        return Finding(what, "problem", f"{shown}: {answer}", advice)
    if answer.status_code in (401, 403):
        return Finding(what, "problem", f"{shown} refuses to answer", f"mend {source.switch}")
    if answer.status_code >= 400:
        return Finding(what, "warning", f"{shown} answers HTTP {answer.status_code}", "try later")
    return Finding(what, "ok", f"{shown}, {answer.elapsed.total_seconds() * 1000:.0f} ms")


def _ask(
    url: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> httpx.Response | str:
    """One GET; why it failed as a few words that hold no URL, for a URL may hold a key."""
    try:
        return httpx.get(url, params=params, headers=headers, timeout=TIMEOUT)
    except httpx.TimeoutException:
        return f"no answer within {TIMEOUT:.0f} s"
    except httpx.ConnectError:
        return "no connection"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return type(error).__name__
