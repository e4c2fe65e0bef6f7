"""The house rules that a reader should be able to rely on."""

import ast
import re
from pathlib import Path

import pytest

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


def imports(module: str) -> set[str]:
    tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


def test_there_is_domain_code_to_check():
    assert len(DOMAIN) > 10


@pytest.mark.parametrize("module", DOMAIN)
def test_domain_code_never_imports_dagster(module):
    offenders = {name for name in imports(module) if name.split(".")[0].startswith("dagster")}
    assert not offenders, f"{module} imports {offenders}: only defs/ and the command line may"


@pytest.mark.parametrize("module", DOMAIN)
def test_imports_point_one_way(module):
    upper = {
        name
        for name in imports(module)
        if name.startswith(("recfeat_pipeline.defs", "recfeat_pipeline.commands"))
    }
    assert not upper, f"{module} imports {upper}"


@pytest.mark.parametrize("module", [m for m in DOMAIN if m.split("/")[0] in SIBLINGS])
def test_siblings_meet_through_tables(module):
    own = module.split("/")[0]
    others = {f"recfeat_pipeline.{name}" for name in SIBLINGS if name != own}
    names = imports(module) - LISTS
    offenders = {n for n in names if any((n + ".").startswith(o + ".") for o in others)}
    assert not offenders, f"{module} imports {offenders}: pass a frame or an array instead"


@pytest.mark.parametrize("module", [m for m in DOMAIN if m.startswith("content/")])
def test_content_is_below_the_models(module):
    """Models may import it; it imports none of the siblings."""
    offenders = {
        n for n in imports(module) if n.startswith(tuple(f"recfeat_pipeline.{s}" for s in SIBLINGS))
    }
    assert not offenders, f"{module} imports {offenders}"


@pytest.mark.parametrize("module", MODULES)
def test_no_module_outgrows_400_lines(module):
    lines = (PACKAGE / module).read_text(encoding="utf-8").count("\n")
    assert lines <= 400, f"{module} has {lines} lines: what is the second idea in it?"


DOORS = ("lake.py", "files.py", "layout.py", "migrations.py")  # these alone know where files lie
LAKE_PATH = re.compile(
    r"^(catalog|raw|documents|responses|batches|vectors|scores|retests|profiles|runs|evaluation)"
    r"/\S*[*={.]|(shard|version|arm|seed)=[*{]"
)


@pytest.mark.parametrize("module", [m for m in MODULES if m not in DOORS])
def test_only_the_layout_knows_where_the_lakes_files_lie(module):
    tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
    docs = {
        node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)
    }  # docstrings may name a path
    found = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant | ast.JoinedStr)
        and node not in docs
        and LAKE_PATH.search(ast.unparse(node).lstrip("f").strip("'\""))
    ]
    assert not found, f"{module} spells out {found}: name the table or note (layout.py)"


READERS = {  # of the settings, once a process: from there they are passed on
    "commands/invocation.py": "a command line",
    "defs/deployment.py": "a code location",
    "defs/automation.py": "a condition, which Dagster gives no resources",
}
ENVIRONMENT = {
    "settings.py": "names the variable that has a wrong value",
    "commands/recorded.py": "notes what the user had set, for the report",
    "commands/ui.py": "hands it to the process that it starts",
    "defs/instance.py": "Dagster's own variables",
    "models/__init__.py": "OpenMP's own variable",
    "extraction/backends/online.py": "the openai SDK's own variables",
}


@pytest.mark.parametrize("module", MODULES)
def test_settings_are_read_once_and_passed_on(module):
    names = {
        ast.unparse(node.func if isinstance(node, ast.Call) else node)
        for node in ast.walk(ast.parse((PACKAGE / module).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call | ast.Attribute)
    }
    if module not in READERS:
        assert "Settings" not in names, f"{module} reads the settings: take them as an argument"
    if module not in ENVIRONMENT:
        found = names & {"os.environ", "os.getenv"}
        assert not found, f"{module} reads {found}: make it a setting, and take it as an argument"
