from pathlib import Path

import polars as pl
import pytest

from recfeat_pipeline.catalog.movielens import (
    frequent_tags,
    is_grouplens,
    read_grouplens,
    read_user_tags,
)
from recfeat_pipeline.catalog.types import CorpusRules
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.schemas import FIELDS, INTERACTIONS, TAGS

FILES = {
    "ratings.csv": "userId,movieId,rating,timestamp\n1,10,4.5,100\n1,20,3.0,90\n2,10,0.5,5\n",
    "movies.csv": (
        "movieId,title,genres\n"
        '10,"Postman, The (Postino, Il) (1994)",Comedy|Sci-Fi\n20,Untold,(no genres listed)\n'
    ),
    "links.csv": "movieId,imdbId,tmdbId\n10,0114709,862\n20,11470900,\n",
    "tags.csv": (
        'userId,movieId,tag,timestamp\n1,10,Funny,1\n2,10,funny ,2\n2,20,"odd, very",3\n3,99,x,4\n'
    ),
}


@pytest.fixture
def folder(tmp_path) -> Path:
    place = tmp_path / "ml-tiny"
    place.mkdir()
    for name, text in FILES.items():
        (place / name).write_text(text)
    return place


def test_a_release_is_read_whole(folder):
    catalog = read_grouplens(folder)
    assert catalog.name == "ml-tiny"
    assert catalog.items.rows() == [
        (10, "Postman, The (Postino, Il) (1994)", 1994, ["Comedy", "Sci-Fi"], "tt0114709", 862),
        (20, "Untold", None, [], "tt11470900", None),
    ]
    assert catalog.fields.drop("source").rows() == [
        (10, "Title", 0, "Postman, The (Postino, Il) (1994)"),
        (10, "Genres", 1, "Comedy, Sci-Fi"),
        (10, "Year", 2, "1994"),
        (20, "Title", 0, "Untold"),
    ]
    assert catalog.interactions.drop("position").rows() == [
        (1, 10, 4.5, 100, None),
        (1, 20, 3.0, 90, None),
        (2, 10, 0.5, 5, None),
    ]
    assert catalog.tags.rows() == [(10, "funny", 2.0), (20, "odd, very", 1.0)]
    assert catalog.rules == CorpusRules(10, 20, 500)
    assert {(note.kind, note.count) for note in catalog.notes} == {
        ("no_year", 1),
        ("user_tags_as_curated", 0),
        ("tags_of_unknown_items", 1),
        ("small_corpus_rules", 0),
    }
    assert dict(catalog.fields.schema) == FIELDS
    assert dict(catalog.interactions.schema) == INTERACTIONS
    assert dict(catalog.tags.schema) == TAGS


@pytest.mark.parametrize("place", ["beside the ratings", "in ml-latest next door"])
def test_the_genome_is_preferred_to_user_tags(folder, place):
    target = folder if place == "beside the ratings" else folder.parent / "ml-latest"
    target.mkdir(exist_ok=True)
    (target / "genome-tags.csv").write_text("tagId,tag\n1,space\n2,war\n")
    (target / "genome-scores.csv").write_text(
        "movieId,tagId,relevance\n10,1,0.25\n10,2,0.5\n77,1,1.0\n"
    )
    catalog = read_grouplens(folder)
    assert catalog.tags.rows() == [(10, "space", 0.25), (10, "war", 0.5)]
    kinds = [note.kind for note in catalog.notes]
    assert "user_tags_as_curated" not in kinds
    assert ("genome_elsewhere" in kinds) == (target != folder)


def test_only_ratings_and_movies_are_required(folder):
    (folder / "links.csv").unlink()
    (folder / "tags.csv").unlink()
    catalog = read_grouplens(folder)
    assert catalog.tags is None
    assert catalog.items["imdb_id"].null_count() == 2
    assert "no_links" in [note.kind for note in catalog.notes]
    (folder / "movies.csv").unlink()
    assert not is_grouplens(folder)


def test_repeats_and_unknown_movies_are_dropped_and_counted(folder):
    (folder / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n1,10,4.5,100\n1,10,2.0,50\n1,20,3,1\n2,99,5,1\n2,10,5,1\n"
    )
    catalog = read_grouplens(folder)
    assert sorted(catalog.interactions.select("user_id", "item_id", "rating").rows()) == [
        (1, 10, 2.0),  # the first in time
        (1, 20, 3.0),
        (2, 10, 5.0),
    ]
    counts = {note.kind: note.count for note in catalog.notes}
    assert counts["repeated_interactions"] == 1
    assert counts["unknown_items"] == 1


R, M = "ratings.csv", "movies.csv"
FAULTS = {
    "not a number": (R, "3.0,90", "good,90", ["ratings.csv, line 3", "'rating'", "'good'"]),
    "an empty value": (R, "20,3.0,90", "20,3.0,", ["line 3", "'timestamp'", "is empty"]),
    "a cut line": (R, "2,10,0.5,5", "2,10,0.5", ["line 4", "3 fields"]),
    "a long line": (R, "2,10,0.5,5", "2,10,0.5,5,6", ["line 4", "5 fields"]),
    "swapped columns": (R, "userId,movieId", "movieId,userId", ["movieId, userId", "expected"]),
    "no movie id": (M, "\n20,", "\ntwenty,", ["movies.csv, line 3", "'twenty'"]),
    "one movie twice": (M, "\n20,", "\n10,", ["line 2 and line 3", "twice"]),
    "no title column": (M, "title", "titel", ["no column 'title'", "did you mean 'titel'?"]),
    "foreign ratings": (M, FILES[M], "movieId,title,genres\n5,A,B\n", ["belong together"]),
    "empty": (R, FILES[R], "", ["ratings.csv is empty"]),
    "no rows": (R, FILES[R], "userId,movieId,rating,timestamp\n", ["no rows"]),
}


@pytest.mark.parametrize(("name", "old", "new", "fragments"), FAULTS.values(), ids=FAULTS.keys())
def test_a_damaged_release_is_an_error_with_its_line(folder, name, old, new, fragments):
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))
    with pytest.raises(RecfeatError) as error:
        read_grouplens(folder)
    for fragment in fragments:
        assert fragment in str(error.value)


def test_genome_scores_of_another_release_are_an_error(folder):
    (folder / "genome-tags.csv").write_text("tagId,tag\n1,space\n")
    (folder / "genome-scores.csv").write_text("movieId,tagId,relevance\n10,2,0.25\n")
    with pytest.raises(RecfeatError, match=r"tag ids that genome-tags\.csv lacks"):
        read_grouplens(folder)


def test_frequent_tags_are_counted_after_lower_casing():
    applied = pl.DataFrame(
        {
            "item_id": [1, 2, 1, 3],
            "tag": ["a", "a", "b", "c"],
            "n_applications": [600, 401, 1000, 2000],
        }
    )
    assert frequent_tags(applied).rows() == [("c", 2000), ("a", 1001)]


def test_user_tags_without_a_file(tmp_path):
    assert read_user_tags(tmp_path) is None
