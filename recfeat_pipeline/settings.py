"""Every knob once: name, default, meaning.

Each field is read from the environment with the prefix ``RECFEAT_`` (``RECFEAT_LAKE``) or from the
aliases it names; ``recfeat doctor`` prints them all.
"""

import json
import os
import re
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import (
    AliasChoices,
    BaseModel,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from recfeat_pipeline.errors import RecfeatError

OWNER = r"(team:[\w.-]+|[^\s,@]+@[^\s,@]+)"


CLUSTER_STAGES = ("extraction", "feature_store", "training", "evaluation")
"""Stages whose steps may ask a cluster for something."""


class StepResources(BaseModel, extra="forbid"):
    """What a step asks of the cluster that executes it."""

    cpu: str | None = Field(None, pattern=r"^\d+(\.\d+)?m?$")  # "4", "500m"
    memory: str | None = Field(None, pattern=r"^\d+(\.\d+)?([KMGT]i|[kMG])?$")  # "16Gi"
    gpu: int | None = Field(None, ge=0)


class Settings(BaseSettings):
    """The process's configuration, read from the environment when constructed.

    It is read once, where the process begins (``cli.py``, ``defs/deployment.py``), and passed on.

    Raises:
        RecfeatError: a variable has a value that cannot be.
    """

    model_config = SettingsConfigDict(env_prefix="RECFEAT_", env_ignore_empty=True, extra="ignore")

    lake: str = Field("data_lake", description="Root of the lake: a folder or an object-store URL.")
    catalog: str | None = Field(
        None, description="Catalogue file or MovieLens folder; unset: what the lake holds."
    )
    split: str | None = Field(
        None,
        description="What is held out: three_way, global_time, leave_one_out, published, or "
        "provided (as the catalogue says); unset: what the lake was split by, else provided.",
    )
    prompts: str | None = Field(
        None,
        description="A folder of further prompt versions, beside the built-in ones; taxonomies of "
        "yours lie in its folder `taxonomies/`.",
    )
    sources: str | None = Field(
        None,
        description="A folder of further text sources (a Python file each), beside the built-in "
        "ones.",
    )
    arms: str | None = Field(
        None,
        description="A folder of further arms (`*.toml`), beside the built-in ones; model "
        "families, content sources and metrics of yours lie in its folders `families/`, `content/` "
        "and `metrics/`, as Python that is run.",
    )

    llm_base_url: str | None = Field(
        None,
        validation_alias=AliasChoices("RECFEAT_LLM_BASE_URL", "OPENAI_BASE_URL"),
        description="Any OpenAI-compatible endpoint, e.g. http://localhost:8000/v1.",
    )
    llm_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("RECFEAT_LLM_API_KEY", "OPENAI_API_KEY"),
        description="Key for the endpoint. Neither key nor URL: the lexical extractor (no LLM).",
    )
    llm_model: str | None = Field(None, description="Model; unset: the prompt version's own.")

    llm_concurrency: int = Field(64, ge=1, description="Calls in flight.")
    llm_requests_per_minute: float | None = Field(None, gt=0, description="Unset: no limit.")
    llm_input_tokens_per_minute: float | None = Field(None, gt=0, description="Unset: no limit.")
    llm_output_tokens_per_minute: float | None = Field(None, gt=0, description="Unset: no limit.")
    llm_budget_usd: float | None = Field(
        None, gt=0, description="Stop before a run has spent this much; unset: no limit."
    )
    budget_per_day: float | None = Field(
        None,
        gt=0,
        description="Dollars that all runs of a day (UTC) together may spend on answers; unset: no "
        "limit.",
    )
    budget_per_lake: float | None = Field(
        None, gt=0, description="Dollars that this lake's answers may cost in all; unset: no limit."
    )
    llm_timeout_s: float = Field(
        120.0,
        gt=0,
        description="Seconds for an answer, counted from when the server can be working on it: "
        "while it answers older calls, the younger ones wait.",
    )
    llm_retry_failed: bool = Field(
        False, description="Ask again the calls that ended as failed in earlier runs."
    )
    llm_batch: bool = Field(
        False,
        description="Hand calls over in batches, at half the price within a day, instead of asking "
        "each; the sensor `collect_finished_batches` brings the answers.",
    )
    llm_batch_folder: str | None = Field(
        None,
        description="Folder through which batches travel as files (`vllm run-batch`); unset: the "
        "endpoint's Batch API.",
    )

    embedding_model: str | None = Field(
        None,
        description="What makes the vectors of profiles: a model of the endpoint, or "
        "`sentence-transformers:NAME-OR-PATH`; unset: hashed words, without a model.",
    )

    profile_changed: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Share of a user's newest 50 training events that must be new since their "
        "profile was written, for it to be written again.",
    )

    tmdb_base_url: str = Field("https://api.themoviedb.org", description="TMDB API root.")
    tmdb_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("TMDB_API_KEY", "RECFEAT_TMDB_API_KEY"),
        description="TMDB v3 key or v4 read token; unset: TMDB is skipped.",
    )
    wikipedia_base_url: str = Field(
        "https://{language}.wikipedia.org",
        description="Wikipedia root; `{language}` becomes the text's language.",
    )
    wikidata_base_url: str = Field("https://www.wikidata.org", description="Wikidata root.")
    sparql_url: str = Field(
        "https://query.wikidata.org/sparql", description="Wikidata query service."
    )

    openlibrary_base_url: str = Field("https://openlibrary.org", description="OpenLibrary root.")
    musicbrainz_base_url: str = Field("https://musicbrainz.org", description="MusicBrainz root.")

    contact: str | None = Field(
        None,
        description="Your e-mail address or URL, sent to text sources, as Wikimedia's policy "
        "asks; unset: all but TMDB are skipped, unless their base URLs point elsewhere.",
    )
    text_language: str = Field(
        "en",
        description="Language of the texts that are collected (ISO 639-1); where a source has none "
        "in it, English.",
    )
    tmdb_rate: float = Field(25.0, gt=0, le=40, description="TMDB requests a second.")
    wikimedia_rate: float = Field(2.0, gt=0, le=10, description="Wikimedia requests a second.")
    tmdb_days: float = Field(
        150,
        gt=0,
        le=183,
        description="Days until a TMDB record is asked again (its terms: 6 months).",
    )
    wikimedia_days: float = Field(
        30,
        gt=0,
        description="Days until an article's or entity's ids are mapped anew; the daily schedule "
        "compares its revision in between.",
    )
    records_days: float = Field(
        90,
        gt=0,
        description="Days until a record of OpenLibrary or MusicBrainz, or a page, is asked again.",
    )
    missing_days: float = Field(
        30, gt=0, description="Days until an item that a text source does not know is asked again."
    )

    guard_fall: float = Field(
        0.3,
        gt=0,
        le=1,
        description="Share by which a day's items, titles, distinct texts or characters may fall; "
        "a day that falls further is set aside as suspicious. 1: never.",
    )
    guard_changed: float = Field(
        0.3,
        gt=0,
        le=1,
        description="Share of the documents that may change in a day before it is set aside as "
        "suspicious. 1: never.",
    )
    guard_days: float = Field(
        14,
        ge=0,
        description="Days over which falls add up: what falls a little every day is held against "
        "its highest day in them as well. 0: against yesterday alone.",
    )
    left_days: float = Field(
        30, ge=0, description="Days for which an item that left the catalogue keeps its features."
    )

    workers: int | None = Field(
        None,
        ge=1,
        description="Models that `recfeat run` trains at once, each in a process; unset: on a CPU "
        "one per core, as far as memory reaches, else 1.",
    )
    threads: int = Field(
        1,
        ge=1,
        description="Threads of a training. Another number gives slightly other results; more "
        "than 1 pays where fewer models are trained at once than there are cores.",
    )

    executor: str = Field(
        "in_process",
        description="What does the steps of a run of the UI: in_process, multiprocess (a process "
        "for each step, as many at once as there are cores), k8s, docker or ray (extras of these "
        "names). A command works in its own process.",
    )

    owners: str = Field(
        "team:recfeat",
        pattern=f"^ *{OWNER}( *, *{OWNER})* *$",
        description="Who owns the assets, as the UI names them: e-mail addresses or team:NAME, "
        "separated by commas.",
    )
    step_resources: Annotated[dict[str, StepResources], NoDecode] = Field(
        {},
        description="What a stage's steps ask of the cluster, as JSON: "
        '`{"training": {"gpu": 1, "memory": "16Gi"}, "feature_store": {"memory": "32Gi"}}`; '
        "of use with the executors k8s and ray.",
    )

    automation: bool = Field(
        False,
        description="Schedules and sensors start switched on (an operator's server); else each is "
        "switched on in the UI.",
    )
    refresh_cron: str = Field(
        "0 4 * * *", description="When text sources are asked what changed: a cron line, in UTC."
    )
    watch_seconds: int = Field(
        30, ge=1, description="Seconds between two looks for changed content and prompt versions."
    )
    retrain_share: float = Field(
        0.05,
        gt=0,
        le=1,
        description="Models are trained again once this share of corpus items has other scores.",
    )
    prompt_still_minutes: float = Field(
        10,
        ge=0,
        description="Minutes without an edit until a prompt version of RECFEAT_PROMPTS is "
        "registered and extracted unattended.",
    )
    value_per_conversion: float | None = Field(
        None,
        gt=0,
        description="Dollars that a conversion from a recommendation is worth to you; the report "
        "then says after how many of them the features are repaid.",
    )
    alert_webhook: SecretStr | None = Field(
        None, description="URL that is told, by a JSON post, of every run that failed."
    )

    def __init__(self, **values: Any):
        try:
            super().__init__(**values)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place, problem = str(first["loc"][0]), first["msg"].removeprefix("Value error, ")
            of_place = {p: variables(f) for f in Settings.model_fields for p in (f, *variables(f))}
            names = of_place[place]
            name = next((name for name in names if name in os.environ), names[0])
            raise RecfeatError(
                f"The environment variable {name} cannot be used: {problem}. Mend or unset it; "
                "`recfeat doctor --settings` lists what each one means."
            ) from None  # the value may be a secret

    @field_validator(
        "llm_base_url",
        "tmdb_base_url",
        "wikipedia_base_url",
        "wikidata_base_url",
        "sparql_url",
        "openlibrary_base_url",
        "musicbrainz_base_url",
    )
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("it is no URL; write it as in http://localhost:8000/v1")
        if value is not None and (not urlsplit(value).hostname or urlsplit(value).port == 0):
            raise ValueError("it names no host; write it as in http://localhost:8000/v1")
        return value

    @field_validator("text_language")
    @classmethod
    def _is_language(cls, value: str) -> str:
        if not re.fullmatch("[a-z]{2,3}", code := value.strip().lower()):
            raise ValueError("it is no language code; write it as in de")
        return code

    @field_validator("step_resources", mode="before")
    @classmethod
    def _is_json(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError(f"it is no JSON ({error})") from None

    @field_validator("step_resources")
    @classmethod
    def _names_stages(cls, value: dict[str, StepResources]) -> dict[str, StepResources]:
        if wrong := sorted(value.keys() - set(CLUSTER_STAGES)):
            known = ", ".join(CLUSTER_STAGES)
            raise ValueError(f"{wrong[0]!r} is no stage that asks for anything; there are {known}")
        return value

    def but(self, **changed: Any) -> "Settings":
        """A copy with those of the given values that are not None."""
        return self.model_copy(update={k: v for k, v in changed.items() if v is not None})

    @property
    def has_llm(self) -> bool:
        """Whether a real model is configured; otherwise the lexical extractor answers."""
        return self.llm_base_url is not None or self.llm_api_key is not None


def variables(field: str) -> tuple[str, ...]:
    """The environment variables that set a field, the first that is set winning."""
    alias = Settings.model_fields[field].validation_alias
    if isinstance(alias, AliasChoices):
        return tuple(map(str, alias.choices))
    return (f"RECFEAT_{field.upper()}",)


def without_password(url: str) -> str:
    """A URL as it may be shown: without user, password and query."""
    parts = urlsplit(url)
    if not parts.netloc:
        return url
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def current_settings() -> Settings:
    """The settings of the environment as it is now, for whoever is asked again and again.

    Raises:
        RecfeatError: a variable has a value that cannot be.
    """
    return _settings_of(frozenset(os.environ.items()))


@lru_cache(maxsize=1)
def _settings_of(environment: frozenset[tuple[str, str]]) -> Settings:
    """Reading them takes ten milliseconds, and the daemon's conditions ask at each look."""
    return Settings()
