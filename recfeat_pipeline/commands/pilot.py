"""``recfeat run --pilot N``: buy a few items, and say what the rest is worth and costs."""

from typing import TYPE_CHECKING

from recfeat_pipeline.commands.output import dollars, duration, hint, number, plural, say, share
from recfeat_pipeline.errors import RecfeatError

if TYPE_CHECKING:
    from recfeat_pipeline.extraction.pilot import Findings
    from recfeat_pipeline.extraction.versions import PromptVersion
    from recfeat_pipeline.lake import Lake
    from recfeat_pipeline.settings import Settings

RETESTED = 5  # of the pilot's items, one in so many is asked twice


def pilot(
    lake: "Lake",
    version: "PromptVersion",
    settings: "Settings",
    n: int,
    yes: bool,
    n_seeds: int,
) -> None:
    """Ask about ``n`` items of the lake's documents, some of them twice, and print what came.

    ``n_seeds`` is the planned experiment's: what it could find is said as well.

    Raises:
        RecfeatError: a budget ended it; what was answered is kept, and was printed.
    """
    from recfeat_pipeline.catalog.circles import circles
    from recfeat_pipeline.commands.driving import announce_cost
    from recfeat_pipeline.commands.power import power_of, sentence_of
    from recfeat_pipeline.commands.progress import bar
    from recfeat_pipeline.defs.training.inputs import report_split
    from recfeat_pipeline.extraction.engine import choose_backend, limits_of
    from recfeat_pipeline.extraction.estimate import estimate
    from recfeat_pipeline.extraction.pilot import ask, draw, findings
    from recfeat_pipeline.extraction.reliability import retest_version
    from recfeat_pipeline.models.examples import build_examples

    limits, documents = limits_of(settings), lake.read("documents")
    drawn = draw(documents, n)
    backend, again = choose_backend(settings, version, limits), None
    announce_cost(lake, version, settings, yes, documents=drawn)
    with bar(f"Pilot: {version.name}") as progress:
        asked = ask(
            lake, drawn, version, backend, limits=limits, progress=progress,
            prices=settings.prompts, note=hint,
        )  # fmt: skip
    if version.asks == "scores" and not backend.instant and not asked.summary.stopped:
        twice = drawn.head(max(n // RETESTED, 2))
        with bar(f"Asking again: {version.name}") as progress:
            again = ask(
                lake, twice, retest_version(version), choose_backend(settings, version, limits),
                limits=limits, progress=progress, prices=settings.prompts, note=hint,
            )  # fmt: skip
    left = estimate(
        documents, version, backend.model, lake=lake, prices=settings.prompts
    ).to_send  # fmt: skip
    found = findings(asked, again, version, lake.read("tags"), left, limits.concurrency)
    say(f"Pilot of {version.key}: {plural(drawn.height, 'item')} drawn at random", style="bold")
    for line in lines_of(found):
        say(line)
    examples = build_examples(lake.read("events"))
    say(f"The experiment: {sentence_of(power_of(examples, report_split(lake), n_seeds))}")
    if found.tag_r is not None:
        items = lake.read("items").filter("in_corpus")
        for circle in circles(lake.read("tags"), lake.read("fields"), items, version.labels):
            say(f"- {circle}", style="yellow")
    for problem in found.problems:
        say(f"- {problem}", style="yellow")
    if asked.summary.stopped:
        raise RecfeatError(asked.summary.stopped)


def lines_of(found: "Findings") -> list[str]:
    """What was found, a sentence each."""
    lines = [
        f"Validity: {number(found.valid)} of {plural(found.calls, 'call')} answered "
        f"({share(found.valid / max(found.calls, 1))}), {found.asks_per_call:.2f} asks a call."
    ]
    if found.share_zero is not None and found.median_sd is not None:
        lines.append(
            f"Spread: {share(found.share_zero)} of the scores are 0; the median dimension's "
            f"standard deviation is {found.median_sd:.2f}, {found.never_vary} never vary."
        )
    if found.unsure is not None:
        lines.append(
            f"Cascade: the cheap model was unsure of {share(found.unsure)} of its calls, which the "
            "dear one answered."
        )
    if found.tag_r is not None:
        lines.append(
            f"Agreement with curated tags: median r = {found.tag_r:.2f} over "
            f"{plural(found.tag_dimensions, 'dimension')}."
        )
    if found.retest_r is not None:
        lines.append(
            f"Asked twice: median r = {found.retest_r:.2f} over "
            f"{plural(found.retest_items, 'item')}."
        )
    lines.append(
        f"A call took {found.tokens_in:,.0f} tokens in ({share(found.cached_share)} of them from "
        f"the provider's cache) and {found.tokens_out:,.0f} out; the pilot cost "
        f"{dollars(found.cost_usd)}."
    )
    pace = "at a pace that only new calls would show"
    if found.rest_seconds is not None:
        pace = f"{duration(found.rest_seconds)} at {found.per_second:,.1f} calls a second"
    lines.append(
        f"The rest: {plural(found.left, 'call')}, about {dollars(found.rest_usd)}, {pace}. "
        "`recfeat run` buys it, and none of the pilot's again."
    )
    return lines
