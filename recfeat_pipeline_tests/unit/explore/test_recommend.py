import numpy as np

from recfeat_pipeline.explore.recommend import Recommender, recommend


class Fixed(Recommender):
    """Scores by item index, whatever is liked."""

    def __init__(self, *scores: float):
        self.values = np.array(scores, np.float32)
        self.asked: list[list[int]] = []

    def scores(self, liked):
        self.asked.append(list(liked))
        return self.values.copy()

    def drivers(self, liked, item, n):
        return [(f"why {item}", 0.5)]


def test_the_best_come_first_without_what_is_liked_already(library):
    model = Fixed(0.1, 0.4, 0.9, 0.2)  # indices 0, 1, 2, 3 are rows 0, 2, 1, 3
    lines = recommend(library, model, [1])
    assert model.asked == [[2]], "the model speaks item indices"
    assert [line.row for line in lines] == [2, 3, 0]
    assert lines[0].drivers == [("why 1", 0.5)]


def test_items_outside_the_corpus_are_passed_over(library):
    model = Fixed(0.1, 0.4, 0.9, 0.2)
    assert recommend(library, model, [4]) == []
    assert [line.row for line in recommend(library, model, [4, 0], n=1)] == [1]
