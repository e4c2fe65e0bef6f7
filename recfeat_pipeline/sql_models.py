"""The SQL models of ``dbt_like_sql/``: loading, ordering, compiling, building, testing.

A model is one SELECT in ``<schema>/<table>.sql``. Jinja gives it two functions, as in dbt:
``ref('features.genome')`` names another model, ``source('lake', 'scores')`` a lake table; and
``measures``, the one list of metrics. ``<table>.yml`` beside it holds its description and tests; a
test is a SELECT of the rows that break it.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
import jinja2
import polars as pl
import yaml

from recfeat_pipeline import freshness
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.evaluation.metrics import list_metrics, measures, metrics
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.layout import LAKE
from recfeat_pipeline.sql_tests import SqlTest, literal, quote, tests_of
from recfeat_pipeline.store import stamps

STAMPS = "CREATE TABLE IF NOT EXISTS made_of (model VARCHAR PRIMARY KEY, fingerprint VARCHAR)"
# Lake tables that training and evaluation write.
AFTER_TRAINING = {
    "runs", "ranks", "canaries", "cold_ranks", "cold_contrasts", "contrasts", "list_metrics"
}  # fmt: skip
JINJA = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# In a checkout the package has a link to the folder; an installed package has its files.
FOLDER = Path(str(resources.files("recfeat_pipeline") / "dbt_like_sql")).resolve()


@dataclass(frozen=True)
class SqlModel:
    """One table: where it comes from, what it means, what must hold of it."""

    key: str  # "features.genome"
    sql: str  # the Jinja template
    refs: tuple[str, ...]
    sources: tuple[str, ...]
    description: str = ""
    columns: dict[str, str] = field(default_factory=dict)  # name -> meaning
    numbers: dict[str, str] = field(default_factory=dict)  # key number -> aggregate expression
    tests: tuple[SqlTest, ...] = ()
    view: bool = False  # it only renames another model's columns, so its rows are not stored twice

    @property
    def schema(self) -> str:
        """The folder, which is the DuckDB schema."""
        return self.key.split(".")[0]

    @property
    def table(self) -> str:
        """The file's name, which is the table."""
        return self.key.split(".")[1]


@cache  # every asset of the code location asks for them
def load_models() -> Mapping[str, SqlModel]:
    """The models of the feature store, read once; see :func:`read_models`."""
    return MappingProxyType(read_models(FOLDER))


def read_models(folder: Path) -> dict[str, SqlModel]:
    """Every model of a folder, in an order in which each comes after what it refers to.

    Raises:
        RecfeatError: there is none; a ref or source that does not exist, a cycle, or YAML for no
            model.
    """
    described = dict(_descriptions(folder))
    models = {}
    for path in sorted(folder.glob("*/*.sql")):
        key = f"{path.parent.name}.{path.stem}"
        models[key] = _load_model(key, path, described.pop(key, {}))
    if not models:
        raise RecfeatError(
            f"{folder} holds no SQL models: recfeat_pipeline is not installed whole. Install it "
            "again."
        )
    if described:
        raise RecfeatError(f"{folder}: YAML describes {sorted(described)[0]!r}; no such .sql file.")
    for model in models.values():
        for ref in model.refs:
            if ref not in models:
                raise RecfeatError(f"{folder}/{model.schema}/{model.table}.sql: no model {ref!r}.")
    try:
        order = TopologicalSorter({k: m.refs for k, m in models.items()}).static_order()
        return {key: models[key] for key in order}
    except CycleError as error:
        raise RecfeatError(f"{folder}: models refer in a circle: {error.args[1]}.") from error


def evaluation_models(models: Mapping[str, SqlModel]) -> set[str]:
    """Keys of the metrics and of whatever else reads what training leaves, directly or not."""
    found: set[str] = set()
    for key, model in models.items():  # in order: what a model refers to was seen before it
        late = AFTER_TRAINING & set(model.sources) or found & set(model.refs)
        if late or model.schema == "metrics":
            found.add(key)
    return found


def compile_sql(model: SqlModel, lake: Lake) -> str:
    """The SELECT with every ref and source resolved."""
    return _render(model.sql, ref=lambda key: key, source=lambda _, name: _scan(lake, name))


def select_of(model: SqlModel, source: Callable[[str], str] = str) -> str:
    """The SELECT with refs and sources as names, for those who read it."""
    return _render(model.sql, ref=lambda key: key, source=lambda _, name: source(name))


def build(connection: duckdb.DuckDBPyConnection, model: SqlModel, lake: Lake) -> int:
    """Replace the model's table in one transaction; returns its row count.

    A table that would be made of the same again is left as it is.

    Raises:
        RecfeatError: the SQL fails; the old table stays.
    """
    held = stamps(connection)
    made_of = _made_of(model, lake, held)
    if held.get(model.key) != made_of or not _exists(connection, model):
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {model.schema}")
        lake.lend_to(connection)
        select = compile_sql(model, lake)
        connection.begin()
        try:
            kind = "VIEW" if model.view else "TABLE"
            _drop_other_kind(connection, model)
            connection.execute(f"CREATE OR REPLACE {kind} {model.key} AS\n{select}")
            connection.execute(STAMPS)
            connection.execute("INSERT OR REPLACE INTO made_of VALUES (?, ?)", [model.key, made_of])
        except duckdb.Error as error:
            connection.rollback()
            raise RecfeatError(f"dbt_like_sql/{model.schema}/{model.table}.sql: {error}") from error
        except BaseException:
            connection.rollback()
            raise
        connection.commit()
    return _count(connection, model.key)


def stale_models(connection: duckdb.DuckDBPyConnection, lake: Lake) -> list[str]:
    """Keys of the models whose tables would be made of something else today."""
    held = stamps(connection)
    return [key for key, made_of in expected(lake).items() if held.get(key) != made_of]


def expected(lake: Lake) -> dict[str, str]:
    """What each model's table would be made of today, as a hash by its key."""
    now = dict[str, str]()
    for key, model in load_models().items():  # in order: its refs' are known
        now[key] = _made_of(model, lake, now)
    return now


def _made_of(model: SqlModel, lake: Lake, refs: Mapping[str, str]) -> str:
    """Hash of the SQL, of the lake tables that it reads, and of its refs' hashes."""
    of_refs = (refs.get(ref, "") for ref in model.refs)
    return freshness.joint_hash(
        [sql_hash(model), freshness.tables_hash(lake, *model.sources), *of_refs]
    )


def _exists(connection: duckdb.DuckDBPyConnection, model: SqlModel) -> bool:
    return _kind(connection, model) == ("VIEW" if model.view else "BASE TABLE")


def _kind(connection: duckdb.DuckDBPyConnection, model: SqlModel) -> str | None:
    query = (
        "SELECT table_type FROM information_schema.tables "
        "WHERE table_catalog = current_database() AND table_schema = ? AND table_name = ?"
    )
    found = connection.execute(query, [model.schema, model.table]).fetchone()
    return found[0] if found else None


def _drop_other_kind(connection: duckdb.DuckDBPyConnection, model: SqlModel) -> None:
    """A table that a release made a view, or the other way round, cannot be replaced."""
    held = _kind(connection, model)
    if held is not None and not _exists(connection, model):
        connection.execute(f"DROP {held.removeprefix('BASE ')} {model.key}")


def failures(connection: duckdb.DuckDBPyConnection, model: SqlModel, test: SqlTest) -> int:
    """How many rows of the built model break a test (0: it passes)."""
    query = test.query.format(table=model.key)
    return _count(connection, f"({query})")


def numbers(connection: duckdb.DuckDBPyConnection, model: SqlModel) -> dict[str, float]:
    """The built model's key numbers, as its YAML asks; those that are null are left out."""
    if not model.numbers:
        return {}
    asked = ", ".join(f"({sql})::DOUBLE AS {quote(name)}" for name, sql in model.numbers.items())
    [row] = connection.sql(f"SELECT {asked} FROM {model.key}").pl().to_dicts()
    return {name: round(value, 6) for name, value in row.items() if value is not None}


def column_types(connection: duckdb.DuckDBPyConnection, model: SqlModel) -> dict[str, str]:
    """The built model's columns and their DuckDB types."""
    described = connection.sql(f"DESCRIBE {model.key}").pl()
    return dict(described.select("column_name", "column_type").iter_rows())


def sql_hash(model: SqlModel) -> str:
    """A short hash of the SQL, which changes when the model or a metric in it does."""
    return hashlib.sha256(select_of(model).encode()).hexdigest()[:12]


def build_all(connection: duckdb.DuckDBPyConnection, lake: Lake) -> dict[str, int]:
    """Build every model in order; returns row counts."""
    return {key: build(connection, model, lake) for key, model in load_models().items()}


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    # Every row is fetched: DuckDB 2 refuses further work beside a result that is not drained.
    [[n_rows]] = connection.execute(f"SELECT count(*) FROM {relation}").fetchall()
    return n_rows


# -- loading -------------------------------------------------------------------------------------


def _load_model(key: str, path: Path, description: Mapping[str, Any]) -> SqlModel:
    sql = path.read_text(encoding="utf-8")
    refs: list[str] = []
    sources: list[str] = []

    def ref(name: str) -> str:
        refs.append(name)
        return name

    def source(place: str, name: str) -> str:
        if place != "lake" or name not in LAKE:
            raise RecfeatError(f"{path}: no source {place}.{name}; the lake has {sorted(LAKE)}.")
        sources.append(name)
        return name

    _render(sql, ref=ref, source=source)
    columns = {column["name"]: column for column in description.get("columns", [])}
    tests = list(tests_of("", description.get("tests", [])))
    for name, column in columns.items():
        tests += tests_of(name, column.get("tests", []))
    return SqlModel(
        key=key,
        sql=sql,
        refs=tuple(dict.fromkeys(refs)),
        sources=tuple(dict.fromkeys(sources)),
        description=description.get("description", ""),
        columns={name: column.get("description", "") for name, column in columns.items()},
        numbers=description.get("numbers", {}),
        tests=tuple(tests),
        view=description.get("view", False),
    )


def _descriptions(folder: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path in sorted(folder.glob("*/*.yml")):
        try:
            described = yaml.load(_render(path.read_text(encoding="utf-8")), YAML)
            if not isinstance(described, dict):
                raise TypeError("it holds no description")
        except (yaml.YAMLError, TypeError) as error:
            problem = " ".join(str(error).split())
            raise RecfeatError(f"{path} does not describe a model ({problem}); mend it.") from error
        yield f"{path.parent.name}.{path.stem}", described


_parsed = cache(JINJA.from_string)  # parsing takes longer than all else that `status` does


def _render(template: str, **functions: Any) -> str:
    rendered = _parsed(template).render(
        measures=measures(),
        metrics=list(metrics()),
        list_metrics=list(list_metrics()),
        **functions,
    )
    return rendered.strip().rstrip(";")


def _scan(lake: Lake, name: str) -> str:
    """A lake table as SQL: its Parquet files, or a typed relation without rows."""
    table = LAKE[name]
    paths = lake.table_paths(name)
    if paths:
        lake.check(paths)  # DuckDB reads them itself, and would not see a flipped bit
        files = ", ".join(literal(lake.path(path)) for path in paths)
        return (
            f"read_parquet([{files}], hive_partitioning = {bool(table.hive)}, "
            "hive_types_autocast = false, union_by_name = true)"
        )
    return _without_rows(tuple(lake.schema(name).items()))


@cache
def _without_rows(schema: tuple[tuple[str, Any], ...]) -> str:
    empty = pl.DataFrame(schema=dict(schema))
    relation = duckdb.connect().from_arrow(empty.to_arrow())
    columns = zip(relation.columns, relation.types, strict=True)
    return f"(SELECT {', '.join(f'NULL::{t} AS {quote(c)}' for c, t in columns)} LIMIT 0)"
