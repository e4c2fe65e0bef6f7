"""``python -m bench [name …]``: run the benchmarks and print one table; ``--help`` lists them.

Each module ``bench/bench_*.py`` has ``run() -> list[dict]`` with the keys ``name``, ``value``,
``unit`` and ``against`` (what the value is a ratio to, or what it was measured on). One named alone
is given the options that follow, where its ``run`` takes ``options`` or ``arguments``: ``python -m
bench identity --data DIR``. ``python -m bench soak --kills 60`` and ``python -m bench fortnight``
are no measures but trials: ``bench/soak/`` and ``bench/fortnight.py``.
"""

import ast
import importlib
import inspect
import sys
from pathlib import Path
from types import ModuleType

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
TRIALS = {"fortnight": HERE / "fortnight.py", "soak": HERE / "soak" / "__init__.py"}
HELP = {"-h", "--help"}


def benchmarks() -> dict[str, Path]:
    """The file of each benchmark, by its name."""
    return {path.stem.removeprefix("bench_"): path for path in sorted(HERE.glob("bench_*.py"))}


def about(path: Path) -> str:
    """What a file says of itself; it is not imported, which would take seconds."""
    return ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""


def overview() -> str:
    """Every benchmark and trial with a line each."""
    lines = ["usage: python -m bench [NAME …] [OPTIONS of one NAME]", ""]
    for title, files in (("benchmarks, all of which run unless some are named", benchmarks()),
                         ("trials, run by name alone", TRIALS)):  # fmt: skip
        lines.append(f"{title}:")
        for name, path in files.items():
            said = about(path).splitlines()[0].removeprefix(f"``python -m bench {name}``: ")
            lines.append(f"  {name:<13} {said[:1].upper()}{said[1:]}")
        lines.append("")
    return "\n".join([*lines, "python -m bench NAME --help says what it measures and takes."])


def takes_options(module: ModuleType) -> bool:
    """Whether a benchmark reads a command line of its own."""
    first = next(iter(inspect.signature(module.run).parameters), None)
    return first in ("options", "arguments")


def main(arguments: list[str]) -> None:
    given = next((n for n, word in enumerate(arguments) if word.startswith("-")), len(arguments))
    names, options = arguments[:given], arguments[given:]
    available = benchmarks()
    if not names and HELP & set(options):
        print(overview())
        return
    if unknown := set(names) - set(available):
        sys.exit(f"No benchmark {sorted(unknown)}; there are {list(available)}.")
    if options and len(names) != 1:
        sys.exit("Options are of one benchmark: name it alone, before them.")
    if HELP & set(options):
        print(about(available[names[0]]), end="\n\n")
    console = Console()
    table = Table(title="Benchmarks", box=None)
    for column in ("benchmark", "measure", "value", "unit", "against"):
        table.add_column(column, justify="right" if column == "value" else "left")
    for name in names or available:
        module = importlib.import_module(f"bench.bench_{name}")
        if options and not takes_options(module):
            sys.exit(0 if HELP & set(options) else f"The benchmark {name} takes no options.")
        console.print(f"[dim]{name} …[/]")
        for row in module.run(options) if options else module.run():
            value = row["value"]
            shown = f"{value:,.3g}" if isinstance(value, float) else f"{value:,}"
            table.add_row(name, row["name"], shown, row["unit"], row["against"])
    console.print(table)


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in TRIALS:
        importlib.import_module(f"bench.{sys.argv[1]}").main(sys.argv[2:])
    else:
        main(sys.argv[1:])
