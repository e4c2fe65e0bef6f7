"""Write the pages that are made from code: ``python docs/generate.py``; ``--check`` only compares.

``settings.md`` comes from ``recfeat_pipeline/settings.py``, ``feature-store.md`` from the YAML and
the SQL in ``dbt_like_sql/``. A test fails when either is out of date.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings, variables
from recfeat_pipeline.sql_models import build_all, load_models

FOLDER = Path(__file__).parent
NOTE = "<!-- Written by docs/generate.py: edit the source it names, then run it again. -->"

SETTINGS = """\
# Settings

{note}

What can be set, and what happens when it is not? Every setting is an environment variable. The
source is `recfeat_pipeline/settings.py`; `recfeat doctor --settings` prints this table with the
values that hold in your shell. Where a line names two variables, the first that is set wins. An
empty variable counts as unset. A value that cannot be ends the command with one sentence that names
the variable, and never shows the value.

| variable | default | meaning |
|---|---|---|
{rows}

Two more are read by other packages: `DAGSTER_HOME` (where run history lies; unset: the lake's own
`dagster_home/`) and whatever your object store needs for its credentials.
"""

STORE = """\
# The feature store

{note}

Which tables are in `feature_store.duckdb`, and what do they hold? Each table is one SELECT in
`dbt_like_sql/<schema>/<table>.sql`; descriptions and tests stand beside it in YAML and become asset
descriptions and asset checks. A failed test stops what is built on the table unless it says "warns
only". The file is derived from the lake: delete it, run `recfeat run --until feature_store`, and it
is there again; no request is sent. Ids are `BIGINT` when every id of the catalogue is an integer,
else `VARCHAR`.

Open it read-only. One process at a time may write to it, and DuckDB lets nobody else in meanwhile.
{tables}"""


def settings_page() -> str:
    """``settings.md``."""
    rows = []
    for name, field in Settings.model_fields.items():
        names = " or ".join(f"`{variable}`" for variable in variables(name))
        default = "unset" if field.default is None else f"`{field.default}`"
        rows.append(f"| {names} | {default} | {field.description} |")
    return SETTINGS.format(note=NOTE, rows="\n".join(rows))


def feature_store_page() -> str:
    """``feature-store.md``; the types are those that DuckDB gives the tables of an empty lake."""
    types: dict[tuple[str, str], str] = {}
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        build_all(connection, Lake(folder))
        for schema, table, column, kind in connection.execute(
            "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns()"
        ).fetchall():
            types[f"{schema}.{table}", column] = kind
    return STORE.format(note=NOTE, tables="".join(_table(types)))


def _table(types: dict[tuple[str, str], str]) -> Iterator[str]:
    for key, model in sorted(load_models().items()):
        yield f"\n## {key}\n\n{model.description}\n\n"
        read = [*(f"`{ref}`" for ref in model.refs), *(f"lake `{s}`" for s in model.sources)]
        yield f"Made from {', '.join(sorted(read))}.\n\n"
        yield "| column | type | meaning |\n|---|---|---|\n"
        for (table, column), kind in types.items():
            if table == key:
                yield f"| `{column}` | {_short(kind)} | {model.columns.get(column, '')} |\n"
        if model.tests:
            tests = (t.description + ("" if t.blocking else " (warns only)") for t in model.tests)
            yield f"\nTested: {'; '.join(tests)}.\n"


def _short(kind: str) -> str:
    return kind.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")


PAGES = {"settings.md": settings_page, "feature-store.md": feature_store_page}


def main() -> None:
    """Write or compare every page."""
    stale = []
    for name, page in PAGES.items():
        path, text = FOLDER / name, page()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(text, encoding="utf-8")
    if "--check" in sys.argv and stale:
        sys.exit(f"out of date: {', '.join(stale)}; run `python docs/generate.py`")


if __name__ == "__main__":
    main()
