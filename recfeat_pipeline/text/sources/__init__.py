"""The text sources: a file each, and being in the folder is being registered.

The folder named by ``RECFEAT_SOURCES`` holds further ones of the user's own, which take over a
name that is built in. A file defines one subclass of
:class:`~recfeat_pipeline.text.source.Source`.
"""

import importlib
import importlib.util
import inspect
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text.source import Source

PREFIX = "recfeat_sources"  # of the modules of the user's folder


def source_types(own: str | None = None) -> dict[str, type[Source]]:
    """Name → class of every source there is, enabled or not, most trusted first.

    Args:
        own: the user's folder (``RECFEAT_SOURCES``).

    Raises:
        RecfeatError: a file of the user's folder cannot be imported, or defines no source.
    """
    modules = [importlib.import_module(f"{__name__}.{m.name}") for m in _built_in()]
    if own:
        modules += [_own(path) for path in _files(Path(own).expanduser())]
    found = {kind.name: kind for kind in map(_source_of, modules)}
    return dict(sorted(found.items(), key=lambda entry: (entry[1].order, entry[0])))


def sources(settings: Settings) -> list[Source]:
    """The sources that the settings enable, in the order in which their texts are preferred."""
    made = (kind.from_settings(settings) for kind in source_types(settings.sources).values())
    return [source for source in made if source is not None]


def attributions(own: str | None = None) -> dict[str, str]:
    """Source name → its attribution, of every source there is, enabled or not."""
    return {name: kind.attribution for name, kind in source_types(own).items()}


def _built_in() -> list[pkgutil.ModuleInfo]:
    return [found for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_")]


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise RecfeatError(
            f"RECFEAT_SOURCES names {folder}, which is no folder; create it, or unset it."
        )
    return sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))


def _own(path: Path) -> ModuleType:
    """The module of a user's file; imported anew when another file has taken its name."""
    name = f"{PREFIX}.{path.stem}"
    known = sys.modules.get(name)
    if known is not None and known.__file__ == str(path):
        return known
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise RecfeatError(
            f"The text source {path} cannot be imported ({type(error).__name__}: {error}); mend "
            "it, or take it out of the folder."
        ) from error
    sys.modules[name] = module
    return module


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
    return found[0]
