"""Every registry: what lies in its folder is there, and what lies in the user's is there too."""

import importlib
import pkgutil
import shutil

import pytest

import recfeat_pipeline
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.registry import Registry

KINDS = {
    "arm", "behaviour operator", "content operator", "content source", "endpoint profile", "metric",
    "model family", "predictor operator", "probe", "prompt version", "taxonomy", "text source",
}  # fmt: skip


def _registries() -> dict[str, Registry]:
    """Those that modules of the package hold; found, so that a new one is walked as well."""
    found = {}
    for module in pkgutil.walk_packages(recfeat_pipeline.__path__, "recfeat_pipeline."):
        if (
            "Registry("
            in (spec := module.module_finder.find_spec(module.name)).loader.get_source(module.name)
            and spec.name != "recfeat_pipeline.registry"
        ):
            held = vars(importlib.import_module(module.name)).values()
            found |= {value.kind: value for value in held if isinstance(value, Registry)}
    return found


REGISTRIES = _registries()


def test_these_are_all():
    assert REGISTRIES.keys() == KINDS


@pytest.fixture(params=sorted(REGISTRIES))
def registry(request) -> Registry:
    return REGISTRIES[request.param]


def copied(registry: Registry, folder, name: str):
    """A built-in one in the user's folder, under another name."""
    source = next(iter(registry.files().values()))
    own = folder / registry.own
    if registry.pattern.startswith("*/"):
        shutil.copytree(source.parent, own / name)
    else:
        own.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, own / f"{name}{source.suffix}")


def test_being_in_the_folder_is_being_registered(registry, tmp_path):
    built_in = registry.names()
    assert built_in == sorted(built_in)
    assert len(built_in) > 1
    copied(registry, tmp_path, "mine")
    copied(registry, tmp_path, "_not_mine")
    assert registry.names(tmp_path) == sorted([*built_in, "mine"])
    assert registry.files(tmp_path)["mine"].is_relative_to(tmp_path)


def test_a_name_that_is_built_in_is_taken_over_or_refused(registry, tmp_path):
    name = registry.names()[0]
    copied(registry, tmp_path, name)
    if registry.replaces:
        assert registry.files(tmp_path)[name].is_relative_to(tmp_path)
    else:
        with pytest.raises(RecfeatError, match=f"{registry.kind} '{name}' is built in"):
            registry.names(tmp_path)


def test_a_folder_that_is_not_there_is_said(registry, tmp_path):
    with pytest.raises(RecfeatError, match=f"{registry.setting}: .*none is no folder"):
        registry.names(tmp_path / "none")


def test_every_module_of_a_registry_can_be_loaded(registry):
    if registry.pattern == "*.py":
        for name in registry.names():
            assert registry.module(name).__doc__
