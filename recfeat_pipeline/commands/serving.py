"""What ``recfeat serve`` and ``recfeat mcp`` answer from: the store and the trained arms."""

from recfeat_pipeline.commands.ask import read_shelf
from recfeat_pipeline.commands.explorer import recommender_of, trained_arms
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.serving.current import Current
from recfeat_pipeline.serving.llm import LLM
from recfeat_pipeline.serving.service import Service
from recfeat_pipeline.store import built

SECONDS = 5.0  # between looks at whether the store was built anew


def open_current(lake: Lake, wanted: str | None, llm: LLM | None = None) -> Current:
    """The newest build of the lake's store, and those that follow it."""
    return Current(lambda: open_service(lake, wanted, llm), lambda: build_of(lake))


def open_service(lake: Lake, wanted: str | None, llm: LLM | None = None) -> Service:
    """The store as it is now, read once and closed again, so that a run can write to it."""
    build = build_of(lake)
    library, shelf, version = read_shelf(lake, wanted)
    return Service(
        library=library,
        shelf=shelf,
        version=version,
        recommenders={arm.id: recommender_of(lake, arm, s) for arm, s in trained_arms(lake)},
        built=build,
        llm=llm,
    )


def build_of(lake: Lake) -> str:
    """Which build of the store readers find now.

    Raises:
        RecfeatError: there is none.
    """
    build = built(lake)
    if build is None:
        raise RecfeatError(
            f"The lake {lake.root} has no feature store yet: run `recfeat run` first."
        )
    return build.name
