"""One function per figure: a frame in, a :class:`~recfeat_pipeline.report.figure.Figure` out."""

from recfeat_pipeline.report.figures.agreement import agreement_histogram, best_and_worst
from recfeat_pipeline.report.figures.differences import forest, substitution_ladder
from recfeat_pipeline.report.figures.items import cost_by_group, text_lengths
from recfeat_pipeline.report.figures.key import key_figures
from recfeat_pipeline.report.figures.pareto import pareto
from recfeat_pipeline.report.figures.probes import dose_response
from recfeat_pipeline.report.figures.ranking import change_by_slice, metric_by_arm, metric_by_slice

__all__ = [
    "agreement_histogram",
    "best_and_worst",
    "change_by_slice",
    "cost_by_group",
    "dose_response",
    "forest",
    "key_figures",
    "metric_by_arm",
    "metric_by_slice",
    "pareto",
    "substitution_ladder",
    "text_lengths",
]
