"""The package is whole: an installed wheel finds all that a checkout finds."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("recfeat_pipeline", "dbt_like_sql", "pyproject.toml", "README.md", "LICENSE")
CACHES = shutil.ignore_patterns("__pycache__")
FOUND = """
import json
from recfeat_pipeline import sql_models
from recfeat_pipeline.extraction.versions import list_versions, load_version
from recfeat_pipeline.models.arms import load_arms
from recfeat_pipeline.taxonomy.read import list_taxonomies, load_taxonomy
print(json.dumps({
    "package": sql_models.__file__,
    "models": {key: model.description for key, model in sql_models.load_models().items()},
    "prompts": {name: load_version(name).key for name in sorted(list_versions())},
    "taxonomies": {name: len(load_taxonomy(name).groups) for name in sorted(list_taxonomies())},
    "arms": sorted(load_arms()),
}))
"""


def found(place: Path, folder: Path) -> dict:
    """What the package at a place finds, asked from elsewhere."""
    environment = {**os.environ, "PYTHONPATH": str(place)}
    command = [sys.executable, "-W", "ignore", "-c", FOUND]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def files(package: Path) -> set[str]:
    """All that is not Python, by path in the package."""
    return {
        path.relative_to(package).as_posix()
        for folder in (package, package / "dbt_like_sql")  # a link, which rglob does not follow
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the wheel of a copy of this checkout installed in it."""
    folder = tmp_path_factory.mktemp("package")
    source, target = folder / "source", folder / "target"
    source.mkdir()
    for part in (ROOT / name for name in PARTS):
        if part.is_dir():
            shutil.copytree(part, source / part.name, symlinks=True, ignore=CACHES)
        else:
            shutil.copy(part, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-build-isolation", "--no-compile",
         "--target", str(target), str(source)],
        check=True,
    )  # fmt: skip
    return target


def test_the_wheel_holds_every_file_of_the_package(installed):
    assert files(installed / "recfeat_pipeline") == files(ROOT / "recfeat_pipeline")


def test_an_installed_package_finds_what_a_checkout_finds(installed, tmp_path):
    of_wheel, of_checkout = found(installed, tmp_path), found(ROOT, tmp_path)
    assert of_wheel.pop("package").startswith(str(installed))
    assert of_checkout.pop("package").startswith(str(ROOT))
    assert of_wheel == of_checkout
    assert all(of_wheel.values())
