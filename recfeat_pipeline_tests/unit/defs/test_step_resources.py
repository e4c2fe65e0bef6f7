"""What a stage's steps ask of a cluster, and how it is said."""

import pytest

from recfeat_pipeline.defs import step_resources
from recfeat_pipeline.defs.step_resources import number, step_tags
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.settings import Settings


def test_each_executor_is_told_in_its_words(monkeypatch):
    asked = '{"training": {"gpu": 1, "cpu": "500m", "memory": "2Gi"}}'
    monkeypatch.setenv("RECFEAT_STEP_RESOURCES", asked)
    monkeypatch.setattr(step_resources, "SETTINGS", Settings())
    tags = step_tags("training")
    assert tags["dagster-k8s/config"]["container_config"]["resources"] == {
        "requests": {"cpu": "500m", "memory": "2Gi"},
        "limits": {"memory": "2Gi", "nvidia.com/gpu": "1"},
    }
    assert tags["dagster-ray/config"] == {"num_cpus": 0.5, "num_gpus": 1, "memory": 2**31}
    assert step_tags("feature_store") == {}


@pytest.mark.parametrize(
    ("quantity", "amount"), [("4", 4), ("250m", 0.25), ("1.5Gi", 1.5 * 2**30), ("2M", 2e6)]
)
def test_quantities(quantity, amount):
    assert number(quantity) == amount


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("{", "it is no JSON"),
        ('{"text": {}}', "'text' is no stage that asks for anything"),
        ('{"training": {"memory": "much"}}', "should match pattern"),
        ('{"training": {"disk": "1Gi"}}', "not permitted"),
    ],
)
def test_a_value_that_cannot_be_is_a_sentence(monkeypatch, value, said):
    monkeypatch.setenv("RECFEAT_STEP_RESOURCES", value)
    with pytest.raises(RecfeatError, match=f"RECFEAT_STEP_RESOURCES cannot be used: .*{said}"):
        Settings()
