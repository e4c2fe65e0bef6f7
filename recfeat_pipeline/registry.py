"""Registries: a folder in which being there is being registered.

A registry is a folder of this package and, beside it, one of the user's own, which a setting names.
What is registered is a file, or a folder with a certain file in it; its name is the file's. A
user's Python is the user's own code, and runs like any other.
"""

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from recfeat_pipeline.errors import RecfeatError

HERE = Path(__file__).parent
_own: list[str] = []


def use_folder(given: str | None) -> None:
    """Say which folder of Python files is the user's own (RECFEAT_ARMS), to this process.

    What a module imports, a process has for good: so this is said where the process begins, as
    Python's own path is. None: there is no such folder.
    """
    _own[:] = [] if given is None else [given]


def own_folder() -> str | None:
    """The user's folder of arms, families, content sources and metrics; None: there is none."""
    return _own[0] if _own else None


@dataclass(frozen=True)
class Registry:
    """What there is of a kind."""

    kind: str  # in words
    home: str  # folder of this package that holds the built-in ones
    setting: str  # that names the user's folder
    own: str = "."  # folder within that
    pattern: str = "*.py"
    replaces: bool = False  # one of the user's may take over the name of a built-in one

    @property
    def built_in(self) -> Path:
        """Folder of those that are part of this package."""
        return HERE / self.home

    def files(self, given: str | Path | None = None) -> dict[str, Path]:
        """File of every one there is, by name; no module is imported.

        Args:
            given: the folder that the setting names; None: the built-in ones alone.

        Raises:
            RecfeatError: there is no such folder, or one of the user's has the name of a built-in
                one.
        """
        built_in, own = self._in(self.built_in), {}
        if given is not None:
            folder = Path(given).expanduser()
            if not folder.is_dir():
                raise RecfeatError(
                    f"{self.setting}: {given} is no folder; create it, name another, or unset it."
                )
            own = self._in(folder / self.own)
        if not self.replaces and (twice := built_in.keys() & own.keys()):
            name = min(twice)
            raise RecfeatError(f"{own[name]}: the {self.kind} {name!r} is built in; rename yours.")
        return dict(sorted((built_in | own).items()))

    def names(self, given: str | Path | None = None) -> list[str]:
        """Name of every one there is, sorted; as :meth:`files`."""
        return list(self.files(given))

    def module(self, name: str, given: str | Path | None = None) -> ModuleType:
        """The module of a registered name.

        Raises:
            RecfeatError: the user's file cannot be imported.
        """
        file = self.files(given)[name]
        if file.parent == self.built_in:
            return importlib.import_module(f"{__package__}.{self.home.replace('/', '.')}.{name}")
        return self._import(f"recfeat_own.{self.home.rpartition('/')[2]}.{name}", file)

    def load(self, name: str, given: str | Path | None, attribute: str, wanted: Any) -> Any:
        """What a module holds under a name that all modules of the registry have.

        Raises:
            RecfeatError: the module cannot be imported, or holds no such thing.
        """
        module = self.module(name, given)
        found = getattr(module, attribute, None)
        if not isinstance(found, wanted):
            raise RecfeatError(
                f"{module.__file__} has no `{attribute}`: the module of a {self.kind} has one."
            )
        return found

    def _in(self, folder: Path) -> dict[str, Path]:
        """One file by its stem, one in a folder of its own by the folder's name."""
        found = {}
        for path in folder.glob(self.pattern):
            name = path.stem if path.parent == folder else path.parent.name
            if not name.startswith("_"):
                found[name] = path
        return found

    def _import(self, name: str, file: Path) -> ModuleType:
        """A user's module; imported anew when another file has taken its name."""
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
                f"{file} cannot be imported: {type(error).__name__}: {error}. Mend it, or move it "
                f"out of {self.setting}."
            ) from error
        return module
