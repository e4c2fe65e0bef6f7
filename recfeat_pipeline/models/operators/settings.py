"""Settings of the family ``operators``: which three, and what they are shaped like."""

from dataclasses import dataclass

from recfeat_pipeline.models.family import setting
from recfeat_pipeline.models.sequence import PlaceSettings


@dataclass(frozen=True)
class Settings(PlaceSettings):
    """An operator reads those that concern it."""

    content: str = setting("pooled", "operator: what an item's row is made of", table="model")
    behaviour: str = setting("additive", "operator: what a history comes to", table="model")
    predictor: str = setting("dot", "operator: how a history and an item meet", table="model")
    own_id: bool = setting(True, "an item's row has its id's beside the content's", table="model")
    context: int = setting(
        0,
        "newest events of a history, no more than the window; 0: chosen on validation",
        table="model",
        least=0,
    )
    heads: int = setting(2, "of attention; they divide the width", table="model", least=1)
    interests: int = setting(4, "of `poly`: states of a history", table="model", least=1)
    hidden: int = setting(64, "of `mlp`: width of its layer", table="model", least=1)
    rank: int = setting(16, "of `cross`: rank of its maps", table="model", least=1)
    words: int = setting(64, "of a document that are read", table="model", least=1)
    vocabulary: int = setting(
        20_000, "words that at least two documents have, the most frequent", table="model", least=1
    )
    language_model: str = setting(
        "", "of `language_model`: its folder, or its name at Hugging Face", table="model"
    )
    trained_layers: int = setting(
        1, "of `language_model`: its upper layers, which learn", table="model", least=1
    )
    decoupled: bool = setting(
        False, "content learns first, by itself; behaviour and predictor then read its rows"
    )
    negatives: int = setting(
        256,
        "items sampled per step, with logQ; 0, or a catalogue not four times as large: full "
        "softmax, but for predictors that are no product",
        least=0,
        space=(256, 1024),
    )
