"""Documents as the words that at least two of them have, and encoders of those words."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recfeat_pipeline.models.attention import AdditiveAttention
from recfeat_pipeline.models.operators.operator import Known
from recfeat_pipeline.models.operators.settings import Settings

WORD = re.compile(r"\w+")


def numbered(texts: Sequence[str], length: int, most: int) -> tuple[Tensor, int]:
    """The first words of each text as numbers [N, length] from 1 on, 0 behind the last; how many.

    A word of one text alone says nothing of another; it is passed over, and so are all but the
    ``most`` frequent ones, by how many texts have them.
    """
    read = [WORD.findall(text.lower()) for text in texts]
    counts = Counter(word for words in read for word in dict.fromkeys(words))
    known = [word for word, n in counts.most_common(most) if n > 1]
    numbers = {word: number for number, word in enumerate(known, 1)}
    rows = np.zeros((len(texts), length), np.int64)
    for row, words in zip(rows, read, strict=True):
        found = [numbers[word] for word in words if word in numbers][:length]
        row[: len(found)] = found
    return torch.from_numpy(rows), len(known)


class WordEncoder(nn.Module):
    """Rows [M, W] of M items: word vectors, what :meth:`mixed` makes of them, and their sum.

    The sum is weighed by additive attention, as NAML (Wu et al., 2019) has it.
    """

    words: Tensor  # int64 [N, T]

    def __init__(self, known: Known, settings: Settings):
        super().__init__()
        words, n_words = numbered(known.texts or (), settings.words, settings.vocabulary)
        self.register_buffer("words", words, persistent=False)
        self.table = nn.Embedding(n_words + 1, settings.width, padding_idx=0)
        self.pool = AdditiveAttention(settings.width)
        self.rate = settings.dropout

    def forward(self, items: Tensor) -> Tensor:
        """[M, W] of the items [M]; 0 of one without words."""
        words = self.words[items]  # [M, T]
        words = words[:, : max(int((words > 0).sum(1).max()), 1) if len(words) else 1]
        held = words > 0
        rows = functional.dropout(self.table(words) * held[..., None], self.rate, self.training)
        return self.pool(self.mixed(rows, held), held)

    def mixed(self, rows: Tensor, held: Tensor) -> Tensor:
        """Rows [M, T, W] of words in their context; here they stay as they are."""
        return rows
