"""The experiments beside the main comparison: one forest plot for each section of arms."""

from recfeat_pipeline.report import figures
from recfeat_pipeline.report.blocks import Block, Chart, Paragraph, Section
from recfeat_pipeline.report.inputs import Inputs
from recfeat_pipeline.sections import SECTIONS

_QUESTIONS = {
    **dict.fromkeys(
        ("hybrid", "hybrid_sasrec", "ease", "markov", "item_knn", "tower", "sasrec", "base"),
        "And on this recommender?",
    ),
    "baseline": "How do other recommenders do on the same examples?",
    "recency": "Does content still help a floor that sees the last item on its own?",
    "rich": "Does it still help where genres, years and user tags are known?",
    "probe": "Does the extractor read the text, or remember the item?",
    "ablation": "Which part of the features and of the model carries the effect?",
    "training": "Does the result hang on how the models are trained?",
    "published": "What changes when histories are debiased with the user's future, as published?",
}


def further(inputs: Inputs) -> Section | None:
    """Contrasts of the arms outside the main comparison; left out when there are none."""
    rows = inputs.contrasts_of("mrr").filter(slice="all")
    blocks: list[Block] = []
    for section in SECTIONS:
        arms = [arm for arm in inputs.roles.order if inputs.roles.section(arm) == section]
        own = rows.filter(rows["arm"].is_in(arms))
        if section in _QUESTIONS and own.height and not set(arms) <= set(inputs.roles.compared):
            blocks.append(Paragraph(_QUESTIONS[section]))
            blocks.append(
                Chart(figures.forest(own, inputs.roles, name=section, title=SECTIONS[section]))
            )
    return Section("further", "Further experiments", blocks) if blocks else None
