"""The text sources: a file each, and being in the folder is being registered.

The folder named by ``RECFEAT_SOURCES`` holds further ones of the user's own, which take over a
name that is built in. A file defines one subclass of
:class:`~recfeat_pipeline.text.source.Source`, whose name is the file's.
"""

import inspect
from pathlib import Path
from types import ModuleType

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.registry import Registry
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text.source import Source

SOURCES = Registry("text source", "text/sources", "RECFEAT_SOURCES", replaces=True)


def source_types(own: str | None = None) -> dict[str, type[Source]]:
    """Name → class of every source there is, enabled or not, most trusted first.

    Args:
        own: the user's folder (``RECFEAT_SOURCES``).

    Raises:
        RecfeatError: a file of the user's folder cannot be imported, or defines no source.
    """
    found = {name: _source_of(SOURCES.module(name, own)) for name in SOURCES.names(own)}
    return dict(sorted(found.items(), key=lambda entry: (entry[1].order, entry[0])))


def sources(settings: Settings) -> list[Source]:
    """The sources that the settings enable, in the order in which their texts are preferred."""
    made = (kind.from_settings(settings) for kind in source_types(settings.sources).values())
    return [source for source in made if source is not None]


def attributions(own: str | None = None) -> dict[str, str]:
    """Source name → its attribution, of every source there is, enabled or not."""
    return {name: kind.attribution for name, kind in source_types(own).items()}


def _source_of(module: ModuleType) -> type[Source]:
    """The one source that a module defines."""
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Source)
        and value.__module__ == module.__name__
        and not inspect.isabstract(value)
    ]
    if len(found) != 1:
        raise RecfeatError(
            f"{module.__file__} defines {len(found)} text sources where it should define one: a "
            "subclass of recfeat_pipeline.text.source.Source with name, order, attribution, "
            "from_settings, fields, evidence and _ask."
        )
    [kind] = found
    file = Path(str(module.__file__))
    if kind.name != file.stem:
        raise RecfeatError(
            f"{file}: the text source is called {kind.name!r}; call the file {kind.name}.py."
        )
    return kind
