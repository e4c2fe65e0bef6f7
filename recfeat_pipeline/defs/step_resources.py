"""What the steps of a stage ask of the cluster that executes them, as each executor is told it."""

from typing import Any

from recfeat_pipeline.defs.deployment import SETTINGS
from recfeat_pipeline.settings import StepResources

GPU = "nvidia.com/gpu"
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9}


def step_tags(stage: str) -> dict[str, Any]:
    """Op tags of a stage's steps, as RECFEAT_STEP_RESOURCES has them; empty where it names none."""
    asked = SETTINGS.step_resources.get(stage)
    return {} if asked is None else {**_kubernetes(asked), **_ray(asked)}


def _kubernetes(asked: StepResources) -> dict[str, Any]:
    requests = {"cpu": asked.cpu, "memory": asked.memory}
    limits = {"memory": asked.memory, GPU: None if asked.gpu is None else str(asked.gpu)}
    resources = {
        name: {k: v for k, v in values.items() if v is not None}
        for name, values in (("requests", requests), ("limits", limits))
    }
    return {"dagster-k8s/config": {"container_config": {"resources": resources}}}


def _ray(asked: StepResources) -> dict[str, Any]:
    options = {
        "num_cpus": None if asked.cpu is None else number(asked.cpu),
        "num_gpus": asked.gpu,
        "memory": None if asked.memory is None else int(number(asked.memory)),
    }
    return {"dagster-ray/config": {k: v for k, v in options.items() if v is not None}}


def number(quantity: str) -> float:
    """A Kubernetes quantity: ``"500m"`` is 0.5, ``"2Gi"`` is 2,147,483,648."""
    if quantity.endswith("m"):
        return float(quantity[:-1]) / 1000
    unit = next((unit for unit in UNITS if quantity.endswith(unit)), "")
    return float(quantity.removesuffix(unit)) * UNITS.get(unit, 1)
