"""One function per section of the report: inputs in, a section out, or None to leave it out."""

from collections.abc import Callable

from recfeat_pipeline.report.blocks import Section
from recfeat_pipeline.report.inputs import Inputs
from recfeat_pipeline.report.sections.agreement import agreement
from recfeat_pipeline.report.sections.arms import arms
from recfeat_pipeline.report.sections.cold import cold
from recfeat_pipeline.report.sections.corpus import corpus, question
from recfeat_pipeline.report.sections.cost import cost
from recfeat_pipeline.report.sections.density import density
from recfeat_pipeline.report.sections.differences import differences
from recfeat_pipeline.report.sections.further import further
from recfeat_pipeline.report.sections.identity import identity
from recfeat_pipeline.report.sections.items import canaries, fingerprints
from recfeat_pipeline.report.sections.method import caveats, method, reproduce
from recfeat_pipeline.report.sections.pareto import pareto
from recfeat_pipeline.report.sections.probes import probes
from recfeat_pipeline.report.sections.reranking import reranking
from recfeat_pipeline.report.sections.results import results
from recfeat_pipeline.report.sections.slices import slices
from recfeat_pipeline.report.sections.worth import worth

SECTIONS: tuple[Callable[[Inputs], Section | None], ...] = (
    worth,
    caveats,
    question,
    results,
    differences,
    slices,
    cold,
    further,
    reranking,
    pareto,
    corpus,
    identity,
    arms,
    agreement,
    probes,
    density,
    fingerprints,
    canaries,
    cost,
    method,
    reproduce,
)
"""In reading order: the answer and its limits first, how it was done last."""


def build_sections(inputs: Inputs) -> list[Section]:
    """Every section that has something to say."""
    return [section for build in SECTIONS if (section := build(inputs)) is not None]
