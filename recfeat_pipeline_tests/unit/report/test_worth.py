"""What content is worth, by recommender and place."""

from dataclasses import replace

import polars as pl
import pytest

from recfeat_pipeline.report.caveats import find_caveats
from recfeat_pipeline.report.provenance import ArmNote
from recfeat_pipeline.report.sections.worth import worth
from recfeat_pipeline.report.verdict import reach_verdict
from recfeat_pipeline.report.worth import find_worths
from recfeat_pipeline.schemas import CONTRASTS


def with_ease(inputs, gain=0.0, low=-0.01, short=None, control=0.0):
    """The store's inputs, and EASE with and without LLM scores, stronger than the towers."""
    notes = {
        "ease": ArmNote(role="baseline", section="ease", family="ease", draws=False),
        "ease_llm": ArmNote(
            role="content", section="ease", family="ease", content="llm", draws=False
        ),
        "ease_random": ArmNote(
            role="control", section="ease", family="ease", content="llm", control="random"
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
               "p_value": 0.0001 if end * (2 * delta - end) > 0 else 0.5}
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
        ("Two-tower", "llm", "floor", ("random", "shuffled")),
        ("Two-tower", "curated", "floor", ()),
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
        p_value=pl.when(as_good).then(0.2).otherwise("p_value")
    )
    assert find_worths(replace(inputs, contrasts=contrasts))[0].effect("all") == "doubt"


def test_the_headline_says_where_features_pay_and_not_one_average(read):
    headline = reach_verdict(with_ease(read(), short=0.2)).headline
    assert "no measurable difference to MRR on the strongest recommender, EASE: +0.0" in headline
    on_tower = "+3.0\u00a0% [+1.8\u00a0%, +4.2\u00a0%], its control +0.1\u00a0%, Two-tower"
    assert f"They pay on average ({on_tower})" in headline
    assert "for users with short histories (+20\u00a0%" in headline
    assert headline.endswith("; no gain was measured on new items.")


def test_the_advice_does_not_contradict_the_headline(read):
    """Nothing on average and a gain for some: not "not worth paying for", and not "use them"."""
    verdict = reach_verdict(with_ease(read(), short=0.2))
    assert verdict.tone == "none"
    assert "decide by what that is worth to you" in verdict.reading


def test_what_is_solved_in_closed_form_needs_no_five_seeds(read):
    """EASE has one seed, however many were asked for."""
    inputs = with_ease(read(), gain=0.05, low=0.02)
    contrasts = inputs.contrasts.with_columns(
        n_seeds=pl.when(pl.col("reference") == "ease").then(1).otherwise("n_seeds")
    )
    one = replace(inputs, contrasts=contrasts.cast(inputs.contrasts.schema))
    assert "The evidence supports" in reach_verdict(one).reading
    notes = inputs.provenance.arms
    luck = notes | {"ease_llm": notes["ease_llm"].model_copy(update={"draws": True})}
    provenance = inputs.provenance.model_copy(update={"arms": luck})
    assert "one seed" in reach_verdict(replace(one, provenance=provenance)).reading


def test_caveats_look_at_the_headlines_recommender(read):
    """EASE's own control was run, and the floor of the towers is not what the verdict rests on."""
    inputs = with_ease(read({"control_gain": None}), gain=0.05, low=0.02)
    said = " ".join(find_caveats(inputs))
    assert "No random-feature control" not in said
    assert "does not beat the strongest" not in said


def test_without_a_control_beside_the_headline_it_is_missed(read):
    assert "No random-feature control" in " ".join(find_caveats(read({"control_gain": None})))


def test_the_table_has_a_row_a_recommender_and_content_with_control_and_price(read):
    section = worth(with_ease(read(), short=0.2))
    table = section.blocks[0]
    assert table.header == [
        "Recommender", "Content", "All", "New items", "Rare items",
        "Short histories", "$ per 1,000 items",
    ]  # fmt: skip
    ease, llm, curated = table.rows
    assert ease[:2] == ["EASE\nMRR 1.0000", "LLM features"]
    assert (llm[0].splitlines()[0], curated[0]) == ("Two-tower", ""), "a recommender is named once"
    assert ease[5].startswith("+20\u00a0%\n[+1.0,\u00a0+39]")
    assert llm[2].endswith("control +0.1\u00a0%"), "every figure has its control beside it"
    assert curated[2].endswith("control not run")
    assert curated[6] == "–"
    assert table.tones[0, 5] == "gain"
    assert table.tones[0, 2] == "none"
    assert f"Holm) is over the {table.data.height} cells" in section.blocks[1].text
    assert table.data.filter(arm="ease_llm", place="short")["effect"].to_list() == ["gain"]


@pytest.mark.parametrize(
    ("content", "said"),
    [("pairs_by_llm", "Pairs by LLM features"), ("pairs_by_an_LLM", "Pairs by an LLM"),
     ("pairs_by_text_embedding", "Pairs by text embedding")],
)  # fmt: skip
def test_pairs_are_named_by_who_put_them_in_order(read, content, said):
    inputs = with_ease(read())
    notes = inputs.provenance.arms
    changed = {
        name: notes[name].model_copy(update={"content": content})
        for name in ("ease_llm", "ease_random")
    }
    provenance = inputs.provenance.model_copy(update={"arms": notes | changed})
    ease = find_worths(replace(inputs, provenance=provenance))[0]
    assert (ease.content, ease.controls) == (said, ("ease_random",))


def with_p(inputs, p_values):
    """Some contrasts' p-values, by (arm, reference, slice); the others' are .5."""
    keys = pl.concat_str("arm", "reference", "slice", separator=" ")
    given = {" ".join(key): p for key, p in p_values.items()}
    contrasts = inputs.contrasts.with_columns(
        p_value=keys.replace_strict(given, default=0.5, return_dtype=pl.Float64)
    )
    return replace(inputs, contrasts=contrasts, cold_contrasts=inputs.cold_contrasts.clear())


def test_half_of_the_chance_is_kept_for_the_headline_and_the_rest_is_shared(read):
    """Of .05 the headline's cell may take .025 whatever else is looked at; the other four share
    .025, and where the headline has been claimed, .05."""
    inputs = with_ease(read(), gain=0.05, low=0.02, short=0.2)
    all_, short = ("ease_llm", "ease", "all"), ("ease_llm", "ease", "history 1-9")
    beside = {(arm, "ease_random", slice_): 0.001 for arm, _, slice_ in (all_, short)}

    def effects(of_all, of_short):
        found = find_worths(with_p(inputs, {all_: of_all, short: of_short, **beside}))
        n_cells = sum(len(worth.p_claims) for worth in found)
        return n_cells, found[0].effect("all"), found[0].effect("short")

    n, *found = effects(0.024, 0.024)
    assert found == ["gain", "none"]
    assert effects(0.026, 0.5)[1:] == ("none", "none")
    assert effects(0.5, 0.9 * 0.025 / (n - 1))[2] == "gain"
    assert effects(0.5, 1.1 * 0.025 / (n - 1))[2] == "none"
    assert effects(0.001, 1.1 * 0.025 / (n - 1))[2] == "gain", "what is claimed leaves its share"


def test_a_gain_is_as_sure_as_that_over_its_control(read):
    inputs = with_ease(read(), gain=0.05, low=0.02, control=0.01)
    over, beside = ("ease_llm", "ease", "all"), ("ease_llm", "ease_random", "all")
    sure = find_worths(with_p(inputs, {over: 1e-6, beside: 0.02}))[0]
    unsure = find_worths(with_p(inputs, {over: 1e-6, beside: 0.03}))[0]
    assert (sure.effect("all"), unsure.effect("all")) == ("gain", "doubt")


def test_a_gain_without_a_control_is_none(read):
    inputs = with_ease(read(), gain=0.05, low=0.02)
    alone = ~pl.col("arm").eq("ease_random") & ~pl.col("reference").eq("ease_random")
    found = find_worths(replace(inputs, contrasts=inputs.contrasts.filter(alone)))[0]
    assert found.effect("all") == "unchecked"


def test_elsewhere_too_it_is_said_that_a_gain_has_no_control(read):
    inputs = with_ease(read(), short=0.2)
    alone = ~((pl.col("reference") == "ease_random") & (pl.col("slice") != "all"))
    headline = reach_verdict(replace(inputs, contrasts=inputs.contrasts.filter(alone))).headline
    assert "; with no control beside it, MRR rose for users with short histories (+20" in headline


def test_without_contrasts_there_is_no_table(read):
    assert worth(read({"contrasts": False})) is None
