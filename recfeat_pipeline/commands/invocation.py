"""A command line and the settings that it is run with: ``context.obj`` of every command."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it imports Pydantic, which `recfeat --help` can do without
    from recfeat_pipeline.settings import Settings


@dataclass(frozen=True)
class Invocation:
    """What was typed."""

    words: list[str]  # after ``recfeat``

    @cached_property
    def settings(self) -> "Settings":
        """The settings, read from the environment once, by the first that asks.

        Raises:
            RecfeatError: a variable has a value that cannot be.
        """
        from recfeat_pipeline.registry import use_folder
        from recfeat_pipeline.settings import Settings

        settings = Settings()
        use_folder(settings.arms)
        return settings
