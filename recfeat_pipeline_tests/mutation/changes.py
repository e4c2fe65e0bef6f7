"""The small changes of a module, each as a syntax tree, in the order in which it is read."""

import ast
import copy
from collections.abc import Callable, Iterator
from typing import Any

OTHER: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
SIDES = {"left": "right", "right": "left"}
SKIPPED = ("annotation", "returns", "decorator_list", "type_params")


def changes(source: str) -> Iterator[tuple[str, ast.Module]]:
    """What is changed, and the module with it."""
    tree = ast.parse(source)
    for number, node in enumerate(_places(tree)):
        if _change(node) is None:
            continue
        changed = copy.deepcopy(tree)
        place: Any = list(_places(changed))[number]
        before, change = _shown(place), _change(place)
        assert change is not None
        change(place)
        yield f"{place.lineno}: {before} → {_shown(place)}", ast.fix_missing_locations(changed)


def _shown(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())[:100]


def _places(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that decides something: no annotation, no words, nothing that is for types."""
    for name, value in ast.iter_fields(tree):
        for node in value if isinstance(value, list) else [value]:
            if name in SKIPPED or not isinstance(node, ast.AST) or isinstance(node, ast.JoinedStr):
                continue
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                continue
            yield node
            yield from _places(node)


def _change(node: ast.AST) -> Callable[[Any], None] | None:
    """What changes such a node in place; None: it is left alone."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in OTHER:
            return lambda n: setattr(n, "ops", [OTHER[type(n.ops[0])]()])
        case ast.BinOp(op=op) | ast.AugAssign(op=op) | ast.BoolOp(op=op) if type(op) in OTHER:
            return lambda n: setattr(n, "op", OTHER[type(n.op)]())
        case ast.UnaryOp(op=ast.USub()):
            return lambda n: setattr(n, "op", ast.UAdd())
        case ast.UnaryOp(op=ast.Not() | ast.Invert()):
            return lambda n: setattr(n, "operand", ast.UnaryOp(n.op, n.operand))
        case ast.Constant(value=bool()):
            return lambda n: setattr(n, "value", not n.value)
        case ast.Constant(value=int()):
            return lambda n: setattr(n, "value", n.value + 1)
        case ast.Constant(value=float()):
            return lambda n: setattr(n, "value", 2 * n.value or 1.0)
        case ast.Constant(value="left" | "right"):
            return lambda n: setattr(n, "value", SIDES[n.value])
        case ast.Expr(value=ast.Call()):
            return lambda n: setattr(n, "value", ast.Constant(None))
        case ast.IfExp():
            return lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))
        case ast.If():
            return lambda n: setattr(n, "test", ast.Constant(False))
    return None
