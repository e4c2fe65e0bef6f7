"""``python -m recfeat_pipeline_tests.mutation``: which small changes does no test notice?

Modules and the tests that answer for each stand in ``modules.toml``; beside every change of theirs
it holds mutants that survived once, by hand, anywhere in the package. A mutant runs in a fork of a
process that has imported the heavy packages, so it costs what its tests cost. What is known of an
unchanged module under unchanged tests is remembered in ``.mutation.json``.
"""

import argparse
import ast
import hashlib
import importlib.abc
import importlib.util
import json
import os
import resource
import signal
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from recfeat_pipeline_tests.mutation.changes import changes

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
KNOWN = ROOT / ".mutation.json"
CPU_SECONDS, WALL_SECONDS = 120, 900  # after which a mutant hangs, and is caught
HEAVY = ("numpy", "polars", "scipy.stats", "torch", "duckdb", "hypothesis", "pytest", "fsspec")


@dataclass(frozen=True)
class Mutant:
    """One change of a module."""

    module: str  # a path in the package
    change: str
    tree: ast.Module
    tests: tuple[str, ...]

    @property
    def key(self) -> str:
        """Hash of all that decides whether it is caught."""
        digest = hashlib.sha256(ast.dump(self.tree).encode())
        for test in self.tests:
            digest.update((TESTS / test).read_bytes())
        return digest.hexdigest()[:24]


def mutants(wanted: list[str]) -> Iterator[Mutant]:
    """Those of the wanted modules (all, when none are named), then those by hand."""
    given = tomllib.loads(Path(__file__).with_name("modules.toml").read_text("utf-8"))
    for module, tests in given["tests"].items():
        if not wanted or module in wanted:
            for change, tree in changes(_source(module)):
                yield Mutant(module, change, tree, tuple(tests))
    for each in given["by_hand"]:
        if not wanted or "by-hand" in wanted:
            source = _source(each["module"])
            if source.count(each["old"]) != 1:
                sys.exit(f"{each['what']}: {each['old']!r} is not once in {each['module']}.")
            tree = ast.parse(source.replace(each["old"], each["new"]))
            yield Mutant(each["module"], each["what"], tree, tuple(each["tests"]))


def _source(module: str) -> str:
    return (ROOT / "recfeat_pipeline" / module).read_text("utf-8")


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the mutant in the place of its module."""

    def __init__(self, mutant: Mutant):
        self.path = str(ROOT / "recfeat_pipeline" / mutant.module)
        self.name = "recfeat_pipeline." + mutant.module.removesuffix(".py").replace("/", ".")
        self.tree = mutant.tree

    def find_spec(self, name, path=None, target=None):
        if name == self.name:
            return importlib.util.spec_from_file_location(name, self.path, loader=self)
        return None

    def exec_module(self, module):
        exec(compile(self.tree, self.path, "exec"), module.__dict__)


def is_caught(mutant: Mutant) -> bool:
    """Run its tests on it."""
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        code = os.waitstatus_to_exitcode(status)
        if code in (4, 5):
            sys.exit(f"No test was run for {mutant.module}: {mutant.tests}.")
        return code != 0
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    signal.alarm(WALL_SECONDS)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    sys.meta_path.insert(0, _Mutated(mutant))
    import pytest

    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-seed=0"]
    code = pytest.main([*options, *(str(TESTS / test) for test in mutant.tests)])
    os._exit(int(code))


def main() -> None:
    parser = argparse.ArgumentParser(prog="make mutation", description=__doc__)
    parser.add_argument("--modules", nargs="*", default=[], help="of modules.toml, or by-hand")
    wanted = parser.parse_args().modules
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in HEAVY:
        importlib.import_module(name)
    known = json.loads(KNOWN.read_text()) if KNOWN.exists() else {}
    tally: dict[str, list[int]] = {}
    survivors = []
    for mutant in list(mutants(wanted)):
        if mutant.key not in known:
            known[mutant.key] = is_caught(mutant)
            KNOWN.write_text(json.dumps(known))
        caught = known[mutant.key]
        counts = tally.setdefault(mutant.module, [0, 0])
        counts[not caught] += 1
        if not caught:
            survivors.append(f"{mutant.module}:{mutant.change}")
            print("survived", survivors[-1], flush=True)
    print("\ncaught  survived  module")
    for module, (caught, survived) in tally.items():
        print(f"{caught:6}  {survived:8}  {module}")


if __name__ == "__main__":
    main()
