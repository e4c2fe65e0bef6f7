"""Words each told of all by way of one global vector: additive attention (Wu et al., 2021).

Fastformer-like: a global query weighs the keys, a global key the values, in time linear in words.
"""

from torch import Tensor, nn

from recfeat_pipeline.models.attention import AdditiveAttention
from recfeat_pipeline.models.operators.operator import ContentOperator, Known
from recfeat_pipeline.models.operators.settings import Settings
from recfeat_pipeline.models.operators.words import WordEncoder


class Fastformer(WordEncoder):
    """One layer, one head."""

    def __init__(self, known: Known, settings: Settings):
        super().__init__(known, settings)
        width = settings.width
        self.query_key_value, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.global_query, self.global_key = AdditiveAttention(width), AdditiveAttention(width)
        self.norm = nn.LayerNorm(width)

    def mixed(self, rows: Tensor, held: Tensor) -> Tensor:
        """Each word's value times the global key, beside its query and the word, [M, T, W]."""
        query, key, value = self.query_key_value(rows).chunk(3, dim=-1)
        key = key * self.global_query(query, held)[:, None]
        value = value * self.global_key(key, held)[:, None]
        return self.norm(rows + query + self.out(value))


operator = ContentOperator(title="Words, Fastformer", reads="text", build=Fastformer)
