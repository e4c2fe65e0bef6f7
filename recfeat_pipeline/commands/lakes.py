"""The lake that a command works on, and what a command asks of it first."""

from typing import TYPE_CHECKING

from recfeat_pipeline.errors import RecfeatError

if TYPE_CHECKING:  # they import Polars and Pydantic, which `recfeat --help` can do without
    from recfeat_pipeline.extraction.versions import PromptVersion
    from recfeat_pipeline.lake import Lake
    from recfeat_pipeline.settings import Settings


def open_lake(settings: "Settings") -> "Lake":
    """The lake that the settings name, upgraded if it is an older one.

    Raises:
        RecfeatError: there is none yet.
    """
    from recfeat_pipeline import migrations
    from recfeat_pipeline.lake import Lake

    lake = Lake(settings.lake)
    if lake.read_note("lake") is None:
        raise RecfeatError(
            f"There is no lake at {lake.root} yet: run `recfeat run` first, or set RECFEAT_LAKE to "
            "the one you mean."
        )
    return migrations.open_lake(lake.root)


def choose_version(lake: "Lake", name: str | None, prompts: str | None) -> "PromptVersion":
    """The version of a name or key, else the promoted one as its files are now, else the default.

    Raises:
        RecfeatError: no such version, or it asks nothing about items.
    """
    from recfeat_pipeline.extraction.prompts import DEFAULT
    from recfeat_pipeline.extraction.versions import OF_ITEMS, load_version

    promoted = lake.meta.get("promoted", DEFAULT).partition("@")[0]
    version = load_version(name or promoted, prompts)
    if version.asks not in OF_ITEMS:
        raise RecfeatError(
            f"{version.name} asks for a {version.asks}, not about items: name another version "
            "(`recfeat prompts list`)."
        )
    return version


def version_to_ask(lake: "Lake", name: str | None, prompts: str | None) -> "PromptVersion | None":
    """As :func:`choose_version`; None where imported scores are promoted and no other is named."""
    from recfeat_pipeline.extraction.prompts import is_imported

    if name is None and is_imported(lake, lake.meta.get("promoted", ""), prompts):
        return None
    return choose_version(lake, name, prompts)
