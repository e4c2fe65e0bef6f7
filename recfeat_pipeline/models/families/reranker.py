"""Another arm's best candidates in another order: by an LLM, by likeness of content, by an arm.

A model of this family is the base's, with the base's order; who puts its best in another order, for
a sample of requests, is asked by ``defs/training/reranking.py``, for only that may spend money.
"""

from dataclasses import dataclass, replace

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.family import Family, setting
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.scorer import Scorer


@dataclass(frozen=True)
class RerankerSettings:
    """What is put in another order, by whom, and what that one is shown."""

    base: str = setting("ease", "arm whose best candidates they are", table="model")
    by: str = setting(
        "llm", "who orders them: llm, content (likeness to the last five), or an arm", table="model"
    )
    candidates: int = setting(30, "how many of the base's best", table="model", least=2)
    prompt_version: str = setting("rerank-v1", "that the LLM is asked with", table="model")
    llm: str = setting("", "the LLM; empty: RECFEAT_LLM_MODEL, or the version's", table="model")
    history_shown: int = setting(50, "newest events that are shown", table="model", least=1)
    order: str = setting(
        "shuffled",
        "how candidates are shown: in no order, or in the base's",
        table="model",
        choices=("shuffled", "base"),
    )
    history: str = setting(
        "newest",
        "what is shown as taken: newest first, in no order, or another user's",
        table="model",
        choices=("newest", "shuffled", "other"),
    )
    items: str = setting(
        "titles",
        "what is shown of an item: its title, or its strongest content alone",
        table="model",
        choices=("titles", "features"),
    )
    fusion: bool = setting(
        False, "with the base's order by reciprocal ranks, weighed on validation", table="model"
    )
    repeats: bool = setting(
        False, "ask once more with another seed: how stable answers are", table="model"
    )


def fit(data: Data, content: Content, recipe: Recipe) -> Scorer:
    """The base's model; content is that of this arm's slot, and goes to it where it takes any."""
    from recfeat_pipeline.models.arms import load_arms  # which read families

    base = load_arms()[recipe.settings.base]
    known = content if base.content.sources else Content(content.matrix[:, :0], (), 0.0)
    return base.family.fit(data, known, replace(recipe, settings=base.settings))


family = Family(
    title="Another arm's best, in another order",
    fit=fit,
    settings=RerankerSettings,
    takes_content=True,
    reorders=True,
)
