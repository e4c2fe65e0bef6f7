"""``python -m recfeat_pipeline_tests.explore_server STORE PORT``: explore over a test store."""

import sys

import duckdb
import numpy as np

from recfeat_pipeline.ask.shelf import Shelf
from recfeat_pipeline.commands.explorer import answering
from recfeat_pipeline.explore.app import serve
from recfeat_pipeline.explore.explorer import Explorer, Field
from recfeat_pipeline.explore.library import Library, read_library
from recfeat_pipeline.explore.recommend import Recommender
from recfeat_pipeline_tests.report_store import HOSTILE, VERSION


class LikesWhatIsNext(Recommender):
    """Recommends the items that follow the last liked one, for a reason."""

    def __init__(self, n_items: int, reason: str | None):
        self.n_items, self.reason = n_items, reason

    def scores(self, liked):
        return -((np.arange(self.n_items) - liked[-1]) % self.n_items).astype(float)

    def drivers(self, liked, item, n):
        return [(self.reason, 0.25)] if self.reason else []


def explorer(library: Library) -> Explorer:
    n_items = len(library.row_of_index)
    vectors = np.random.default_rng(0).standard_normal((n_items, 8)).astype(np.float32)
    return Explorer(
        name="test films",
        library=library,
        promoted=VERSION,
        document=lambda item_id: [Field("Plot", "wikipedia", f"{HOSTILE} item {item_id}")],
        attributions={"wikipedia": "Text from Wikipedia, CC BY-SA 4.0."},
        vectors={"LLM scores": lambda: vectors, "Floor": lambda: -vectors},
        recommenders={
            "LLM scores": lambda: LikesWhatIsNext(n_items, "small_town"),
            "Floor": lambda: LikesWhatIsNext(n_items, None),
        },
        ask=answering(
            lambda: Shelf(
                items=library.items.select("item_id", "title", "year", "genres"),
                texts=[f"{HOSTILE} item {item_id}" for item_id in library.items["item_id"]],
                dimensions=library.dimensions[VERSION],
                scores=library.scores[VERSION],
            )
        ),
    )


if __name__ == "__main__":
    with duckdb.connect(sys.argv[1], read_only=True) as store:
        read = read_library(store)
    serve(explorer(read), "127.0.0.1", int(sys.argv[2]))
