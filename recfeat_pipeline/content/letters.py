"""Texts as rows of a content matrix, so that slots, controls and fingerprints hold for them too."""

from collections.abc import Sequence

import numpy as np

from recfeat_pipeline.content.source import SOURCES, load_source
from recfeat_pipeline.registry import own_folder


def is_text(names: Sequence[str]) -> bool:
    """Whether columns of these names are characters of a text."""
    name = names[0].partition(":")[0] if names else ""
    return name in SOURCES.names(own_folder()) and load_source(name).is_text


def texts_of(matrix: np.ndarray) -> list[str]:
    """The texts of N rows of character numbers; a row of zeros is an empty one.

    >>> texts_of(np.array([[72, 105, 0], [0, 0, 0]]))
    ['Hi', '']
    """
    codes = matrix.astype("<u4")
    return [row[row > 0].tobytes().decode("utf-32-le", "replace") for row in codes]
