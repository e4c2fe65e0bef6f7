"""How much text pays: arms by what they read, its price, its gain and that of its control."""

import dataclasses

import polars as pl
import pytest

from recfeat_pipeline.report.inputs import Inputs
from recfeat_pipeline.report.provenance import ArmNote
from recfeat_pipeline.report.roles import find_roles
from recfeat_pipeline.report.sections.density import density

SHORT, LONG = "profile:short-v1", "profile:long-v1"
ARMS = {
    "brief": ArmNote(title="Brief", role="content", section="density", content=SHORT),
    "both": ArmNote(title="Both", role="content", section="density", content=f"{LONG}+{SHORT}"),
    "other": ArmNote(
        title="Another's", role="control", section="density", content=SHORT, control="shuffled"
    ),
}
GAINS = {("brief", "floor"): 0.1, ("brief", "other"): 0.08, ("both", "floor"): 0.2}


@pytest.fixture
def inputs(read) -> Inputs:
    """A store in which two arms of profiles and their control were run."""
    found = read()
    like = found.contrasts.filter(arm="llm", reference="floor", slice="all", metric="mrr")
    changed = [
        like.with_columns(
            arm=pl.lit(arm), reference=pl.lit(reference), delta=gain * pl.col("reference_value")
        )
        for (arm, reference), gain in GAINS.items()
    ]
    ranking = pl.concat(
        [found.ranking]
        + [found.ranking.filter(arm="llm").with_columns(arm=pl.lit(arm)) for arm in ARMS]
    )
    contrasts = pl.concat([found.contrasts, *changed])
    about = found.provenance.model_copy(update={"arms": found.provenance.arms | ARMS})
    bought = found.cost.head(1).with_columns(group=pl.lit("profile"), backend=pl.lit("online"))
    prices = {"short-v1@1": 0.5, "long-v1@1": 2.0}
    cost = pl.concat(
        bought.with_columns(
            version=pl.lit(version),
            priced_calls=pl.lit(1000, pl.Int64),
            cost_usd=pl.lit(usd, pl.Float64),
        )
        for version, usd in prices.items()
    )
    return dataclasses.replace(
        found,
        ranking=ranking,
        contrasts=contrasts,
        cost=cost,
        profiles=pl.DataFrame({"name": ["short-v1", "long-v1"], "mean_chars": [90.0, 700.0]}),
        provenance=about,
        roles=find_roles(found.runs, ranking, contrasts, about),
    )


def test_arms_stand_by_their_price_with_gain_and_control(inputs):
    section = density(inputs)
    brief, both = section.blocks[1].data.iter_rows(named=True)
    assert (brief["arm"], brief["profiles"], brief["characters"]) == ("brief", 1, 90)
    assert (both["arm"], both["profiles"], both["characters"]) == ("both", 2, 790)
    assert (brief["usd_per_1000"], both["usd_per_1000"]) == (0.5, 2.5)
    assert brief["floor_change"] == pytest.approx(0.1)
    assert brief["control_change"] == pytest.approx(0.08)
    assert both["floor_change"] == pytest.approx(0.2)
    assert both["control_change"] is None


def test_a_version_that_nobody_paid_for_has_no_price(inputs):
    free = dataclasses.replace(inputs, cost=inputs.cost.filter(version="short-v1@1"))
    prices = dict(density(free).blocks[1].data.select("arm", "usd_per_1000").iter_rows())
    assert prices == {"brief": 0.5, "both": None}


def test_without_such_an_arm_there_is_no_section(read):
    assert density(read()) is None
