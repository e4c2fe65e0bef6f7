"""Registries: a folder in which being there is being registered.

A registry is a package here and, beside it, a folder of the user's own in RECFEAT_ARMS. A user's
module is the user's own code, and runs like any other.
"""

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from recfeat_pipeline.errors import RecfeatError

_own: list[str] = []


def use_folder(given: str | None) -> None:
    """Say which folder is the user's own (RECFEAT_ARMS), to this process; None: there is none."""
    _own[:] = [] if given is None else [given]


def own_folder() -> Path | None:
    """The user's folder of arms, families and content sources; None: there is none.

    Raises:
        RecfeatError: RECFEAT_ARMS names no folder.
    """
    if not _own:
        return None
    folder = Path(_own[0]).expanduser()
    if not folder.is_dir():
        raise RecfeatError(f"RECFEAT_ARMS: {_own[0]} is no folder; name one that holds arms.")
    return folder


@dataclass(frozen=True)
class Registry:
    """Modules by name: those of a package, and the user's own."""

    package: str
    own: str  # folder in RECFEAT_ARMS

    def names(self) -> list[str]:
        """Every registered name, sorted; no module is imported.

        Raises:
            RecfeatError: a file of the user's has the name of a built-in one.
        """
        built_in, own = self._built_in(), self._own()
        if twice := built_in & own.keys():
            file = own[min(twice)]
            raise RecfeatError(f"{file}: {file.stem!r} is built in; give the file another name.")
        return sorted(built_in | own.keys())

    def load(self, name: str) -> ModuleType:
        """The module of a registered name.

        Raises:
            RecfeatError: the user's file cannot be imported.
        """
        file = self._own().get(name)
        if file is None:
            return importlib.import_module(f"{self.package}.{name}")
        return _import(f"recfeat_own.{self.own}.{name}", file)

    def _built_in(self) -> set[str]:
        home = importlib.import_module(self.package)
        return {found.name for found in pkgutil.iter_modules(home.__path__)}

    def _own(self) -> dict[str, Path]:
        return {file.stem: file for file in self._own_files()}

    def _own_files(self) -> Iterator[Path]:
        folder = own_folder()
        if folder is not None:
            yield from (f for f in (folder / self.own).glob("*.py") if not f.stem.startswith("_"))


def _import(name: str, file: Path) -> ModuleType:
    held = sys.modules.get(name)
    if held is not None and held.__file__ == str(file):
        return held
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs: dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise RecfeatError(
            f"{file} cannot be imported: {type(error).__name__}: {error}. Mend it, or move it out "
            "of RECFEAT_ARMS."
        ) from error
    return module
