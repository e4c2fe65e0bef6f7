"""Profiles of users, asked for by hand: they cost money, and who acts changes every day."""

from collections.abc import Iterator, Sequence

import dagster as dg
from pydantic import Field

from recfeat_pipeline.defs.about import about
from recfeat_pipeline.defs.automation import again_later
from recfeat_pipeline.defs.events import Written, report_partitions
from recfeat_pipeline.defs.extraction.version import (
    WrittenShard,
    numbers,
    obtain,
    paid_model,
    refuse_worthless,
)
from recfeat_pipeline.defs.partitions import shards
from recfeat_pipeline.defs.resources import LakeResource, Reporter
from recfeat_pipeline.defs.step_resources import step_tags
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.types import Summary
from recfeat_pipeline.extraction.versions import PromptVersion, load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings

USER_PROFILE = "user-profile-v1"


class UserProfilesConfig(dg.Config):
    """Launch options of users' profiles."""

    version: str = Field(USER_PROFILE, description="A prompt version that asks for users' profiles")


@dg.asset(
    key=["lake", "user_profiles"],
    op_tags=step_tags("extraction"),
    deps=[["lake", "events"], ["lake", "items"]],
    kinds={"openai", "parquet"},
    pool="llm",
    partitions_def=shards,
    backfill_policy=dg.BackfillPolicy.single_run(),
    output_required=False,
    **about("extraction", "user_profiles", costs="money"),
)
def user_profiles(
    context: dg.AssetExecutionContext,
    config: UserProfilesConfig,
    lake: LakeResource,
    settings: dg.ResourceParam[Settings],
    reporter: dg.ResourceParam[Reporter],
) -> Iterator[object]:
    """Two sentences, four tags and a vector of each user's taste, from their training events alone.

    One row per user and profile version, in shards of users. Written again where
    RECFEAT_PROFILE_CHANGED of a history is new; the others are neither asked nor touched.
    """
    with again_later(context):
        done, stopped = write_user_profiles(
            lake.open(), config.version, context.partition_keys, settings, reporter
        )
    written = {
        part.shard: Written(
            part.cache_keys, {"dagster/row_count": part.n_scores, "model": part.model, **part.calls}
        )
        for part in done
    }
    yield from report_partitions(context, ["lake", "user_profiles"], written)
    if stopped:
        raise RecfeatError(stopped)


def user_version(name: str, settings: Settings) -> PromptVersion:
    """The prompt version of a name.

    Raises:
        RecfeatError: there is none, or it asks for something else.
    """
    version = load_version(name, settings.prompts)
    if version.asks != "user_profile":
        raise RecfeatError(
            f"{version.name} asks for {version.asks}, not for profiles of users: name another "
            "version (`recfeat prompts list`)."
        )
    return version


def write_user_profiles(
    lake: Lake, name: str, names: Sequence[str], settings: Settings, reporter: Reporter
) -> tuple[list[WrittenShard], str | None]:
    """Ask for the profiles that are due, and write those of the shards.

    Returns:
        What was written, and why it ended early, if it did.
    """
    from recfeat_pipeline.extraction.embeddings import choose_embedder
    from recfeat_pipeline.extraction.engine import choose_backend, limits_of
    from recfeat_pipeline.extraction.user_profiles import read_user_profiles, users_due

    version = user_version(name, settings)
    limits = limits_of(settings)
    backend = choose_backend(settings, version, limits, paid_model(lake, version))
    asked, held = users_due(lake, version, backend.model, settings.profile_changed, names)
    summaries = obtain(
        lake, version, [shard for shard in names if asked[shard].height], asked.__getitem__,
        backend, limits, settings, reporter,
    )  # fmt: skip
    if not any(frame.height for frame in held.values()):
        refuse_worthless(version, list(summaries.values()))
    embedder, written = choose_embedder(settings), []
    for shard in names:
        frame = read_user_profiles(
            asked[shard], held[shard], version, lake, shard, backend.model, embedder
        )
        lake.write("user_profiles", frame, version=version.key, shard=shard)
        keys = frame["cache_key"].unique().sort().to_list()
        calls = numbers(summaries.get(shard, Summary()))
        written.append(WrittenShard(version.key, shard, frame.height, keys, backend.model, calls))
    stopped = (summary.stopped for summary in summaries.values() if summary.stopped)
    return written, next(stopped, None)
