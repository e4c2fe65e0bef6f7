"""What content is worth, by recommender and place."""

from dataclasses import replace

import polars as pl
import pytest

from recfeat_pipeline.report.provenance import ArmNote
from recfeat_pipeline.report.sections.worth import worth
from recfeat_pipeline.report.verdict import reach_verdict
from recfeat_pipeline.report.worth import find_worths
from recfeat_pipeline.schemas import CONTRASTS


def with_ease(inputs, gain=0.0, low=-0.01, short=None, control=0.0):
    """The store's inputs, and EASE with and without LLM scores, stronger than the towers."""
    notes = {
        "ease": ArmNote(role="baseline", section="baseline", family="ease"),
        "ease_llm": ArmNote(role="content", section="baseline", family="ease", content="llm"),
        "ease_random": ArmNote(
            role="control", section="baseline", family="ease", content="llm", control="random"
        ),
    }
    rows = [
        ("ease_llm", "ease", "all", gain, low),
        ("ease_random", "ease", "all", control, -0.01),
        ("ease_llm", "ease_random", "all", gain - control, low),
    ]
    if short is not None:
        rows += [
            ("ease_llm", "ease", "history 1-9", short, 0.01),
            ("ease_llm", "ease_random", "history 1-9", short, 0.01),
        ]
    frame = pl.DataFrame(
        [
            dict.fromkeys(CONTRASTS)
            | {"arm": arm, "reference": other, "slice": slice_, "metric": "mrr",
               "reference_value": 1.0, "arm_value": 1 + delta, "delta": delta, "ci_low": end,
               "ci_high": 2 * delta - end, "n_seeds": 5,
               "p_adjusted": 0.001 if end * (2 * delta - end) > 0 else 0.5}
            for arm, other, slice_, delta, end in rows
        ],
        schema=CONTRASTS,
    )  # fmt: skip
    provenance = inputs.provenance.model_copy(update={"arms": {**inputs.provenance.arms, **notes}})
    roles = replace(inputs.roles, order=(*inputs.roles.order, *notes))
    return replace(
        inputs,
        contrasts=pl.concat([inputs.contrasts, frame]),
        provenance=provenance,
        roles=roles,
    )


def test_the_strongest_recommender_leads_and_content_arms_are_paired_with_their_own(read):
    found = [(w.family, w.arm, w.reference, w.controls) for w in find_worths(with_ease(read()))]
    assert found == [
        ("EASE", "ease_llm", "ease", ("ease_random",)),
        ("Two tower", "llm", "floor", ("random", "shuffled")),
        ("Two tower", "curated", "floor", ()),
    ]


@pytest.mark.parametrize(
    ("given", "effect"),
    [
        ({"gain": 0.05, "low": 0.02}, "gain"),
        ({"gain": 0.05, "low": -0.01}, "none"),
        ({"gain": -0.05, "low": -0.08}, "loss"),
        ({"gain": 0.05, "low": 0.02, "control": 0.04}, "gain"),
    ],
)
def test_an_effect_needs_its_interval(read, given, effect):
    ease = find_worths(with_ease(read(), **given))[0]
    assert ease.effect("all") == effect
    assert ease.effect("short") is None, "nothing was measured there"


def test_a_gain_that_its_control_has_as_well_is_doubted(read):
    inputs = with_ease(read(), gain=0.05, low=0.02)
    as_good = (pl.col("arm") == "ease_llm") & (pl.col("reference") == "ease_random")
    contrasts = inputs.contrasts.with_columns(
        ci_low=pl.when(as_good).then(-0.01).otherwise("ci_low")
    )
    assert find_worths(replace(inputs, contrasts=contrasts))[0].effect("all") == "doubt"


def test_the_headline_says_where_features_pay_and_not_one_average(read):
    headline = reach_verdict(with_ease(read(), short=0.2)).headline
    assert "no measurable difference to MRR on the strongest recommender, EASE: +0.0" in headline
    assert "They pay on average (+3.0\u00a0% [+1.8\u00a0%, +4.2\u00a0%], Two tower)" in headline
    assert "for users with short histories (+20\u00a0%" in headline
    assert headline.endswith("; no gain was measured on new items.")


def test_the_table_has_a_row_a_recommender_and_content_with_control_and_price(read):
    section = worth(with_ease(read(), short=0.2))
    table = section.blocks[0]
    assert table.header == [
        "Recommender", "Content", "All", "New items", "Rare items",
        "Short histories", "Control", "$ per 1,000 items",
    ]  # fmt: skip
    ease, llm, curated = table.rows
    assert ease[:2] == ["EASE", "LLM features"]
    assert ease[5].startswith("+20\u00a0%\n[+1.0,\u00a0+39]")
    assert llm[6] == "+0.1\u00a0%"
    assert curated[6:] == ["not run", "–"]
    assert table.tones[0, 5] == "gain"
    assert table.tones[0, 2] == "none"
    assert "Holm) is over the 11 contrasts" in section.blocks[1].text
    assert table.data.filter(arm="ease_llm", place="short")["effect"].to_list() == ["gain"]


def test_without_contrasts_there_is_no_table(read):
    assert worth(read({"contrasts": False})) is None
