"""The house rules that a reader should be able to rely on: a test a rule, over every module."""

import ast
import re
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "recfeat_pipeline"
ORCHESTRATION = ("defs/", "commands/", "definitions.py", "cli.py")
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
DOMAIN = [module for module in MODULES if not module.startswith(ORCHESTRATION)]
SIBLINGS = (
    "catalog", "text", "extraction", "models", "reranking", "evaluation", "report", "explore",
    "ask",
)  # fmt: skip
LISTS = {
    "recfeat_pipeline.evaluation.metrics",
    "recfeat_pipeline.evaluation.metric",
}  # what tables and pages are made from


@cache
def nodes(module: str) -> list[ast.AST]:
    """Everything that a module's source is made of."""
    return list(ast.walk(ast.parse((PACKAGE / module).read_text(encoding="utf-8"))))


def imports(module: str, *beginnings: str) -> set[str]:
    """What a module imports; only packages that are, or lie below, one of ``beginnings``."""
    names = set()
    for node in nodes(module):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {n for n in names if any((n + ".").startswith(b + ".") for b in beginnings)}


def in_package(*names: str) -> list[str]:
    return [f"recfeat_pipeline.{name}" for name in names]


def none_of(found: dict[str, set[str]]) -> bool:
    """No module has anything; a failure shows which do."""
    assert {module: names for module, names in found.items() if names} == {}
    return True


def test_there_is_domain_code_to_check():
    assert len(DOMAIN) > 10
    assert imports("store.py", "duckdb") == {"duckdb"}


def test_only_defs_and_the_command_line_import_dagster():
    dagster = ("dagster", "dagster_duckdb", "dagster_shared", "dagster_postgres")
    assert none_of({module: imports(module, *dagster) for module in DOMAIN})


def test_imports_point_one_way():
    upper = in_package("defs", "commands")
    assert none_of({module: imports(module, *upper) for module in DOMAIN})


def test_siblings_meet_through_tables():
    """Pass a frame or an array instead."""
    found = {}
    for module in DOMAIN:
        own = module.split("/")[0]
        if own in SIBLINGS:
            others = in_package(*(name for name in SIBLINGS if name != own))
            found[module] = imports(module, *others) - LISTS
    assert none_of(found)


def test_content_is_below_the_models():
    """Models may import it; it imports none of the siblings."""
    content = [module for module in DOMAIN if module.startswith("content/")]
    assert none_of({module: imports(module, *in_package(*SIBLINGS)) for module in content})


def test_no_module_outgrows_400_lines():
    """What is the second idea in it?"""
    lines = {m: (PACKAGE / m).read_text(encoding="utf-8").count("\n") for m in MODULES}
    assert {module: n for module, n in lines.items() if n > 400} == {}


DOORS = ("lake.py", "files.py", "layout.py", "migrations.py")  # these alone know where files lie
LAKE_PATH = re.compile(
    r"^(catalog|raw|documents|responses|batches|vectors|scores|retests|profiles|runs|evaluation)"
    r"/\S*[*={.]|(shard|version|arm|seed)=[*{]"
)


def test_only_the_layout_knows_where_the_lakes_files_lie():
    """Name the table or the note (layout.py); a docstring may name a path."""
    found = {}
    for module in MODULES:
        docs = {node.value for node in nodes(module) if isinstance(node, ast.Expr)}
        said = {
            node.value if isinstance(node, ast.Constant) else ast.unparse(node).lstrip("f")[1:-1]
            for node in nodes(module)
            if isinstance(node, ast.JoinedStr)
            or (isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docs)
        }
        found[module] = {text for text in said if LAKE_PATH.search(text)}
    assert none_of({module: texts for module, texts in found.items() if module not in DOORS})
    assert found["layout.py"], "this finds no paths at all"


READERS = {  # of the settings, once a process: from there they are passed on
    "commands/invocation.py": "a command line",
    "defs/deployment.py": "a code location",
    "defs/automation.py": "a condition, which Dagster gives no resources",
    "settings.py": "keeps them for that condition, as long as the environment is the same",
}
ENVIRONMENT = {
    "settings.py": "names the variable that has a wrong value",
    "commands/recorded.py": "notes what the user had set, for the report",
    "commands/ui.py": "hands it to the process that it starts",
    "defs/instance.py": "Dagster's own variables",
    "models/__init__.py": "OpenMP's own variable",
    "extraction/backends/online.py": "the openai SDK's own variables",
}


def test_settings_are_read_once_and_passed_on():
    """Take them as an argument; what is read from the environment is a setting."""
    found = {}
    for module in MODULES:
        called = {node.func for node in nodes(module) if isinstance(node, ast.Call)}
        named = {node.id for node in called if isinstance(node, ast.Name)}
        named |= {
            f"{node.value.id}.{node.attr}"
            for node in nodes(module)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        }
        wrong = set() if module in READERS else {"Settings", "current_settings"}
        wrong |= set() if module in ENVIRONMENT else {"os.environ", "os.getenv"}
        found[module] = named & wrong
    assert none_of(found)
