import pytest

from recfeat_pipeline.catalog.read import read_catalog
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline_tests.unit.catalog.test_movielens import FILES


def release(folder):
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)


def test_nothing_named_is_the_embedded_catalogue():
    assert read_catalog(None).name == "embedded"


def test_a_folder_is_a_grouplens_release(tmp_path):
    release(tmp_path / "ml")
    assert read_catalog(str(tmp_path / "ml")).name == "ml"


def test_a_folder_that_holds_a_release_says_so(tmp_path):
    release(tmp_path / "ml")
    with pytest.raises(RecfeatError, match=r"not a GroupLens folder.*name .*/ml"):
        read_catalog(str(tmp_path))


def test_a_folder_that_holds_a_catalogue_file_says_so(tmp_path):
    (tmp_path / "mine.toml").touch()
    with pytest.raises(RecfeatError, match=r"name .*/mine.toml"):
        read_catalog(str(tmp_path))


def test_the_old_layout_is_named(tmp_path):
    (tmp_path / "ratings.dat").touch()
    with pytest.raises(RecfeatError, match=r"ratings.dat.*catalogue file"):
        read_catalog(str(tmp_path))


@pytest.mark.parametrize(("name", "message"), [("absent", "no catalogue at"), ("a.csv", ".toml")])
def test_other_paths_are_errors(tmp_path, name, message):
    (tmp_path / "a.csv").touch()
    with pytest.raises(RecfeatError, match=message):
        read_catalog(str(tmp_path / name))
