"""Caveats that the data itself calls for; a weakness that is not there is not mentioned."""

from collections.abc import Iterator

import polars as pl

from recfeat_pipeline.report import formats
from recfeat_pipeline.report.inputs import Inputs
from recfeat_pipeline.report.worth import find_worths, headline_of

THIN_CHARS = 500  # below this a document is a sentence or two
FEW_USERS = 200
FEW_ITEMS = 200
FULL_COVERAGE = 0.95


def find_caveats(inputs: Inputs) -> list[str]:
    """One sentence each, the gravest first."""
    return [
        *_extraction(inputs),
        *_experiment(inputs),
        *_coverage(inputs),
        *_training(inputs),
    ]


def _extraction(inputs: Inputs) -> Iterator[str]:
    provenance = inputs.provenance
    if provenance.synthetic:
        yield (
            "The catalogue is generated, with a planted effect: it shows that the pipeline works, "
            "not what features are worth."
        )
    if provenance.used_llm is False:
        yield (
            "No LLM was used: features come from the embedded lexical extractor, which matches "
            "words. Its numbers say nothing about an LLM's."
        )
    failed, calls = inputs.cost["failed"].sum(), inputs.cost["calls"].sum()
    if failed:
        yield (
            f"{formats.count(failed)} of {formats.count(calls)} extraction calls failed; their "
            "groups are missing for those items."
        )


def _experiment(inputs: Inputs) -> Iterator[str]:
    roles = inputs.roles
    if inputs.metric("mrr").is_empty():
        return
    if inputs.provenance.corpus.get("split") == "published":
        yield (
            "As published, results are reported on the users who chose the checkpoint, which "
            "flatters every model."
        )
    yield from _seeds(inputs)
    yield from _unequal(inputs)
    if inputs.contrasts_of("mrr").is_empty():
        yield "No intervals were computed: differences are point estimates."
    else:
        for arm in (roles.llm, roles.curated, *roles.controls):
            if arm and roles.floor and inputs.contrast(arm, roles.floor) is None:
                yield (
                    f"{roles.name(arm)} and {roles.name(roles.floor)} share no seed, so they were "
                    "not compared: run both with the same seeds."
                )
    central = headline_of(find_worths(inputs))
    if not (central.controls if central else roles.controls):
        yield (
            "No random-feature control was run: a gain could come from the extra width of the "
            "model."
        )
    users = inputs.contrasts["n_users"].max()
    if isinstance(users, int) and users < FEW_USERS:
        yield f"Only {formats.count(users)} held-out users: small effects cannot be seen."
    strongest = inputs.best_baseline
    floor = inputs.mean(roles.floor, "mrr")
    on_floor = central is None or central.reference == roles.floor
    if (
        on_floor
        and strongest
        and floor is not None
        and floor <= (best := inputs.mean(strongest, "mrr"))
    ):
        yield (
            f"The floor (MRR {formats.metric(floor)}) does not beat the strongest other "
            f"recommender ({roles.name(strongest)}, {formats.metric(best)}): a gain over it means "
            "little."
        )


def _seeds(inputs: Inputs) -> Iterator[str]:
    """One seed, where another would give another model or another control."""
    roles, mrr = inputs.roles, inputs.metric("mrr")
    if inputs.draws(*roles.main):
        if mrr.filter(pl.col("arm").is_in(roles.main))["seed"].n_unique() < 2:
            yield (
                "One seed: intervals cover the choice of users, not the randomness of training, "
                "which can be larger than the effect. Run five."
            )
        return
    drawn = [arm for arm in roles.controls if inputs.draws(arm)]
    if drawn and mrr.filter(pl.col("arm").is_in(drawn))["seed"].n_unique() < 2:
        yield (
            "The controls' features were drawn once; another draw could do better or worse. Run "
            "them with five seeds (the models themselves have no luck, and are fitted once)."
        )


def _unequal(inputs: Inputs) -> Iterator[str]:
    """Arms that are compared, and were not trained alike."""
    roles = inputs.roles
    shown = inputs.runs.filter(
        pl.col("arm").is_in([*roles.main, *roles.controls]), pl.col("steps") > 0
    ).join(inputs.metric("mrr"), on=["arm", "seed"], how="semi")
    steps = shown["steps"].unique().sort()
    if len(steps) > 1:
        listed = " and ".join(formats.count(n) for n in steps)
        yield (
            f"The arms compared were trained with {listed} steps: their means and differences mix "
            "two trainings. Train them again with one --steps."
        )
    seeds = shown.group_by("arm").agg(pl.col("seed").sort())
    if seeds["seed"].n_unique() > 1:
        counts = ", ".join(
            f"{roles.name(arm)} {len(of_arm)}" for arm, of_arm in seeds.sort("arm").iter_rows()
        )
        yield (
            f"The arms compared have different seeds (how many: {counts}): a difference is over "
            "the seeds that both arms have, a mean over all of its own."
        )


def _coverage(inputs: Inputs) -> Iterator[str]:
    if inputs.roles.curated is None:
        yield "There is no arm with curated tags, so people's tags could not be compared."
    text = inputs.text.filter("in_corpus")
    total = int(text["n_items"].sum())
    thin = int(text.filter(pl.col("high") <= THIN_CHARS)["n_items"].sum())
    if total and thin / total > 0.1:
        yield (
            f"Thin text: {formats.percent(thin / total, 0)} of the ranked items have fewer than "
            f"{THIN_CHARS} characters, so a model knows little of them or relies on its memory."
        )
    if inputs.items.height:
        row = inputs.items.row(0, named=True)
        if row["n_corpus"] and row["n_scored"] < row["n_corpus"]:
            yield (
                f"{formats.count(row['n_corpus'] - row['n_scored'])} of "
                f"{formats.count(row['n_corpus'])} ranked items have no extracted features."
            )
    curated = inputs.runs.filter(pl.col("arm").eq_missing(inputs.roles.curated))[
        "content_coverage"
    ].max()
    if isinstance(curated, float) and curated < FULL_COVERAGE:
        yield f"Curated tags cover {formats.percent(curated, 0)} of the ranked items only."
    if inputs.agreement.height:
        yield from inputs.provenance.circles
    compared = inputs.agreement["n_items"].max()
    if isinstance(compared, int) and compared < FEW_ITEMS:
        yield (
            f"Agreement with people's tags rests on {formats.count(compared)} items at most; "
            "single correlations are rough."
        )


def _training(inputs: Inputs) -> Iterator[str]:
    last = inputs.runs.filter(
        (pl.col("steps") > 0) & (pl.col("best_step") >= pl.col("steps")),
        pl.col("arm").is_in(inputs.roles.main),
    )
    if last.height:
        arms = ", ".join(inputs.roles.name(arm) for arm in last["arm"].unique().sort())
        yield (
            f"The best checkpoint was the last one for {arms}: training was still improving; give "
            "it more steps."
        )
    measured = inputs.metric("mrr")
    left_out = inputs.runs.join(measured, on=["arm", "seed"], how="anti")
    if measured.height and left_out.height:
        arms = ", ".join(inputs.roles.name(arm) for arm in left_out["arm"].unique().sort())
        yield (
            f"Left out: {formats.plural(left_out.height, 'run')} ({arms}) made before the "
            "catalogue changed, which ranked other examples; train those arms again."
        )
    if stale := inputs.provenance.stale:
        arms = ", ".join(inputs.roles.name(arm) for arm in sorted(stale))
        n_stale = sum(map(len, stale.values()))
        yield (
            f"Stale: {formats.plural(n_stale, 'run')} ({arms}) made from other inputs than the "
            "lake holds now (`recfeat status` says which); run again before comparing."
        )
    if inputs.provenance.skipped_arms:
        n_skipped = formats.plural(len(inputs.provenance.skipped_arms), "planned arm")
        yield f"Not run: {n_skipped}; the reasons are under “The arms”."
