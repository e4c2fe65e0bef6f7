import numpy as np
import polars as pl
import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.canaries import Persona, canaries, read_personas
from recfeat_pipeline.schemas import CANARIES
from recfeat_pipeline_tests.unit.models.worlds import make_items

ITEMS = make_items(6).with_columns(
    title=pl.Series(["Alien", "Aliens", "Babe", "Babe", None, "Casino"]),
    genres=pl.Series([["War"], ["War"], ["War", "Love"], ["Love"], ["Love"], ["Rare"]]),
    n_ratings=pl.Series([5, 6, 7, 8, 9, 10]),
)


class Served:
    """Stands in for a trained arm: item 5 first, then 4, …; likes are noted."""

    def __init__(self):
        self.asked = []

    def scores(self, liked, n_items):
        self.asked.append(list(liked))
        return np.arange(6, dtype=np.float32)


def write(tmp_path, text: str):
    path = tmp_path / "personas.toml"
    path.write_text(text)
    return path


def test_likes_are_titles_or_ids_and_unknown_ones_are_passed_over(tmp_path):
    path = write(
        tmp_path,
        '[[persona]]\nname = "Crew"\nlikes = ["ALIEN", 101, "Nowhere"]\n'
        '[[persona]]\nname = "Nobody"\nlikes = ["Alien", "Nowhere"]\n',
    )
    assert read_personas(ITEMS, path) == [Persona("Crew", (0, 1))]


def test_of_two_items_with_one_title_the_better_known_is_meant(tmp_path):
    path = write(tmp_path, '[[persona]]\nname = "Farm"\nlikes = ["Babe", "Alien"]\n')
    assert read_personas(ITEMS, path)[0].likes == (3, 0)


def test_a_catalogue_of_other_things_gets_personas_from_its_genres():
    assert read_personas(ITEMS) == [
        Persona("Likes War", (2, 1, 0)),
        Persona("Likes Love", (4, 3, 2)),
    ]


@pytest.mark.parametrize(
    "text", ["not toml [", "[[persona]]\nname = 'x'\n", "[[persona]]\nname = 'x'\nlikes = ['No']\n"]
)
def test_a_file_that_says_nothing_is_named(tmp_path, text):
    with pytest.raises(RecfeatError, match=r"personas\.toml"):
        read_personas(ITEMS, write(tmp_path, text))


def test_lists_leave_out_what_is_liked():
    served = Served()
    vectors = np.eye(6, dtype=np.float32)
    vectors[1] = vectors[0]
    table = canaries(served, vectors, ITEMS, [Persona("Crew", (0, 5))], k=3)
    assert table.schema == pl.Schema(CANARIES)
    assert served.asked == [[0, 5]]
    lists = {kind: rows for (kind,), rows in table.group_by("kind", maintain_order=True)}
    assert lists["persona"]["item_id"].to_list() == [104, 103, 102]
    assert lists["persona"]["position"].to_list() == [1, 2, 3]
    assert lists["similar"]["name"].unique().to_list() == ["Alien"]
    assert lists["similar"]["item_id"][0] == 101
    assert lists["similar"]["score"][0] == pytest.approx(1)


def test_two_personas_that_begin_with_one_item_share_its_list():
    vectors = np.eye(6, dtype=np.float32)
    table = canaries(Served(), vectors, ITEMS, [Persona("A", (0, 1)), Persona("B", (0, 2))], k=2)
    assert table.group_by("kind", "name", "position").len()["len"].max() == 1
    assert table.filter(kind="persona")["name"].unique().sort().to_list() == ["A", "B"]
