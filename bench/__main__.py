"""``python -m bench [name …]``: run the benchmarks and print one table.

Each module ``bench/bench_*.py`` has ``run() -> list[dict]`` with the keys ``name``, ``value``,
``unit`` and ``against`` (what the value is a ratio to, or what it was measured on). One named alone
is given the options that follow: ``python -m bench identity --data DIR``.
``python -m bench soak --kills 60`` and ``python -m bench fortnight`` are no measures but trials:
``bench/soak/`` and ``bench/fortnight.py``.
"""

import importlib
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table


def main(arguments: list[str]) -> None:
    given = next((n for n, word in enumerate(arguments) if word.startswith("-")), len(arguments))
    names, options = arguments[:given], arguments[given:]
    available = sorted(
        path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py")
    )
    unknown = set(names) - set(available)
    if unknown:
        sys.exit(f"No benchmark {sorted(unknown)}; there are {available}.")
    console = Console()
    table = Table(title="Benchmarks", box=None)
    for column in ("benchmark", "measure", "value", "unit", "against"):
        table.add_column(column, justify="right" if column == "value" else "left")
    for name in names or available:
        console.print(f"[dim]{name} …[/]")
        module = importlib.import_module(f"bench.bench_{name}")
        for row in module.run(options) if options else module.run():
            value = row["value"]
            shown = f"{value:,.3g}" if isinstance(value, float) else f"{value:,}"
            table.add_row(name, row["name"], shown, row["unit"], row["against"])
    console.print(table)


if __name__ == "__main__":
    if sys.argv[1:2] in (["soak"], ["fortnight"]):
        importlib.import_module(f"bench.{sys.argv[1]}").main(sys.argv[2:])
    else:
        main(sys.argv[1:])
