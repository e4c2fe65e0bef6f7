"""The mutants can be made: of the code as it is, and of every kind of change once."""

import ast

from recfeat_pipeline_tests.mutation.__main__ import TESTS, mutants
from recfeat_pipeline_tests.mutation.changes import changes

SOURCE = '''"""Words."""
from x import y
N: int = 3
def f(a: int, b=True):
    """More words."""
    log(a)
    if a < N and not b:
        return a + 1.5
    return -a if b is None else find(a, side="left")
'''


def test_each_change_is_made_once_and_words_are_left_alone():
    found = [change for change, _ in changes(SOURCE)]
    assert found == [
        "3: 3 → 4",
        "4: True → False",
        "6: log(a) → None",
        "7: if a < N and (not b): return a + 1.5 → if False: return a + 1.5",
        "7: a < N and (not b) → a < N or not b",
        "7: a < N → a <= N",
        "7: not b → not not b",
        "8: a + 1.5 → a - 1.5",
        "8: 1.5 → 3.0",
        "9: -a if b is None else find(a, side='left') "
        "→ -a if not b is None else find(a, side='left')",
        "9: b is None → b is not None",
        "9: -a → +a",
        "9: 'left' → 'right'",
    ]


def test_every_mutant_by_hand_can_be_made_and_has_tests():
    """One whose code has moved on would catch nothing: mend it in modules.toml."""
    for mutant in mutants(["by-hand"]):
        source = (TESTS.parent / "recfeat_pipeline" / mutant.module).read_text("utf-8")
        assert ast.dump(mutant.tree) != ast.dump(ast.parse(source))
        assert mutant.tests
        assert all((TESTS / test).exists() for test in mutant.tests)
