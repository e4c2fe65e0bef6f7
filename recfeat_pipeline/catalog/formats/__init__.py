"""Kinds of table, a module a kind: being here is being readable.

A module says which ``SUFFIXES`` are its own and offers

* ``columns(path, form, what)``: the names in the file;
* ``read(path, wanted, form, what)``: the named columns, strictly, or a
  :class:`~recfeat_pipeline.errors.RecfeatError` that names the place;
* ``places(path, rows, form)``: where 0-based rows stand, as a person finds them.

A kind of file that may hold several also has ``tables(path)``, and one that cannot say how it is
written ``guess(path)``.

``path`` is a plain local file: :mod:`recfeat_pipeline.catalog.fetch` has unpacked it.
"""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType


def kinds() -> dict[str, ModuleType]:
    """Every suffix and the module that reads it."""
    modules = [
        import_module(f"{__name__}.{found.name}")
        for found in iter_modules(__path__)
        if found.name != "form"
    ]
    return {suffix: module for module in modules for suffix in module.SUFFIXES}
