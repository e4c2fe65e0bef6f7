"""``make coverage``: what share of lines the tests run, per folder, and the lowest modules."""

from collections import defaultdict
from pathlib import Path

import coverage

LOWEST = 25


def main() -> None:
    """Print both tables from ``.coverage``."""
    data = coverage.Coverage()
    data.load()
    package = Path(__file__).parents[1] / "recfeat_pipeline"
    modules = []
    for path in sorted(package.rglob("*.py")):
        _, statements, _, missing, _ = data.analysis2(str(path))
        if statements:
            name = path.relative_to(package).as_posix()
            modules.append((name, len(statements), len(missing)))
    folders: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, n, missed in modules:
        for folder in ("all", name.rpartition("/")[0] or "."):
            folders[folder][0] += n
            folders[folder][1] += missed
    print("covered  statements  folder")
    for folder, (n, missed) in sorted(folders.items()):
        print(f"{1 - missed / n:7.0%}  {n:10,}  {folder}")
    print(f"\ncovered  missed  the {LOWEST} modules that tests reach least")
    for name, n, missed in sorted(modules, key=lambda m: m[2] / m[1], reverse=True)[:LOWEST]:
        print(f"{1 - missed / n:7.0%}  {missed:6,}  {name}")


if __name__ == "__main__":
    main()
