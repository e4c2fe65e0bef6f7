"""The best items of a large catalogue without a product with each of them: an index of cells.

Items that lie near each other share a cell (IVF, with 8 bits a number; faiss). The cells nearest to
a user's vector are read, and what is best in them is scored exactly.
"""

import math
from types import ModuleType

import numpy as np

FROM = 200_000
"""Items above which the index pays; a product with fewer takes milliseconds (``bench serving``)."""
FEW = 100_000
"""Items which a filter leaves, for which the product is exact."""
CELLS_READ = 4
"""Of the cells, one in so many is read: recall .99 on a million items (``bench serving``)."""


def pays(n_items: int) -> bool:
    """Whether an index is to be built; never where faiss, the extra ``ann``, is not installed."""
    import importlib.util

    return n_items > FROM and importlib.util.find_spec("faiss") is not None


class Cells:
    """An index over item vectors; half a minute of one core for a million.

    Args:
        items: float32 [N, W].
    """

    def __init__(self, items: np.ndarray):
        faiss = _faiss()
        n_items, width = items.shape
        n_cells = int(4 * math.sqrt(n_items))  # as faiss advises, with 40 items a cell to learn it
        bits, product = faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
        self._nearest_cells = faiss.IndexFlatIP(width)  # the index holds no reference to it
        self._index = faiss.IndexIVFScalarQuantizer(
            self._nearest_cells, width, n_cells, bits, product
        )
        self._index.cp.niter = 10
        some = np.random.default_rng(0).permutation(n_items)[: 40 * n_cells]
        self._index.train(items[np.sort(some)])
        self._index.add(items)
        self.items, self.n_cells = items, n_cells

    def best(self, user: np.ndarray, k: int, allowed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places and scores of about the ``k`` best items, the best first; where few may be, exact.

        Args:
            user: float32 [W].
            k: at most so many.
            allowed: bool [N].
        """
        n_allowed = int(np.count_nonzero(allowed))
        found = np.empty(0, np.int64)
        if n_allowed > FEW:
            found = self._found(user, 2 * k, allowed, n_allowed)
        if len(found) < k:
            found = np.flatnonzero(allowed)
        return largest(self.items[found] @ user, k, found)

    def _found(self, user: np.ndarray, n: int, allowed: np.ndarray, n_allowed: int) -> np.ndarray:
        """Allowed items of the cells nearest to the user; more cells where a filter thins them."""
        faiss = _faiss()
        wanted = faiss.SearchParametersIVF()
        cells = math.ceil(self.n_cells / CELLS_READ * len(allowed) / n_allowed)
        wanted.nprobe = min(cells, self.n_cells)
        forbidden = len(allowed) - n_allowed
        if forbidden <= n:  # a history: found as well, and dropped, which is faster than a filter
            n += forbidden
        else:
            keep = np.packbits(allowed, bitorder="little")
            selector = faiss.IDSelectorBitmap(len(keep), faiss.swig_ptr(keep))
            wanted.sel = selector
        [places] = self._index.search(user[None], n, params=wanted)[1]
        places = places[places >= 0]
        return places[allowed[places]]


def _faiss() -> ModuleType:
    """The library, of one thread: a server's requests lie beside each other as it is."""
    import faiss

    faiss.omp_set_num_threads(1)
    return faiss


def largest(
    scores: np.ndarray, k: int, places: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Places of the ``k`` largest finite scores and these, the largest first; equal ones by place.

    Args:
        scores: float [n].
        k: at most so many.
        places: int [n], ascending or not, of the scores; unset: their own.
    """
    places = np.arange(len(scores)) if places is None else places
    k = min(k, len(scores))
    some = np.argpartition(-scores, k - 1)[:k] if k < len(scores) else np.arange(len(scores))
    some = some[np.lexsort((places[some], -scores[some]))]
    some = some[np.isfinite(scores[some])]
    return places[some], scores[some]
