import pytest
import sqlalchemy

from recfeat_pipeline.defs.instance import history_trouble


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("database is locked", "is locked by another program"),
        ("attempt to write a readonly database", "cannot be written"),
        ("unable to open database file", "cannot be written"),
        ("database or disk is full", "is full. Free some space"),
        ("file is not a database", "can be moved away"),
    ],
)
def test_what_a_history_has_is_a_sentence(what, said):
    error = sqlalchemy.exc.OperationalError("SELECT 1", {}, Exception(what))
    assert said in str(history_trouble(error))
