"""Hold the comments that state a shape to the arrays, when the block runs.

``x, y = images()  # (512, 64), (512,)`` states one shape a target; ``# (3,) each`` states one for
all of them. A word in place of a size, as in ``# (examples, 20)``, stands for any size.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from typing import Any

CHECK = "__shape__"
_SHAPE = re.compile(r"\((?:[\w ]+,)*[\w ]*\)")
_STATED = re.compile(rf"#\s*(?P<shapes>{_SHAPE.pattern}(?:, {_SHAPE.pattern})*)(?P<each> each\b)?")


class ShapeError(AssertionError):
    """An array has another shape than the comment beside it says."""


def stated(code: str) -> dict[int, tuple[list[str], bool]]:
    """Return by line the shapes that its comment states, and whether they are of each target."""
    found = {}
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT and (match := _STATED.match(token.string)):
            shapes = re.findall(_SHAPE.pattern, match["shapes"])
            # "(see below)" states none: a size or a comma makes a shape of it.
            if all("," in shape or re.search(r"\d", shape) for shape in shapes):
                found[token.start[0]] = shapes, bool(match["each"])
    return found


def checking(code: str) -> ast.Module:
    """Return the block as a tree that compares each shape right after the array was made."""
    tree = ast.parse(code)
    comments = stated(code)

    class Checked(ast.NodeTransformer):
        def visit_Assign(self, node: ast.Assign) -> Any:
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            at = next((line for line in reversed(lines) if line in comments), None)
            if at is None:
                return node
            target = node.targets[0]
            targets = target.elts if isinstance(target, ast.Tuple) else [target]
            shapes, each = comments[at]
            kept = [ast.unparse(one) for one in targets]
            values = ", ".join(name for name in kept if name != "_")
            call = ast.parse(f"{CHECK}({shapes!r}, {each}, [{values}])").body[0]
            for inside in ast.walk(call):
                ast.copy_location(inside, node)
            return [node, call]

    checked: ast.Module = Checked().visit(tree)
    return ast.fix_missing_locations(checked)


def compare(shapes: list[str], each: bool, values: list[Any]) -> None:
    """Raise ShapeError unless the values have the shapes that the comment states."""
    wanted = shapes * len(values) if each and len(shapes) == 1 else shapes
    if len(wanted) != len(values):
        raise ShapeError(f"the comment states {len(wanted)} shapes of {len(values)} values")
    for shape, value in zip(wanted, values, strict=True):
        found = _shape(value)
        sizes = [size.strip() for size in shape.strip("()").split(",") if size.strip()]
        same = len(sizes) == len(found) and all(
            str(have) == size for size, have in zip(sizes, found, strict=True) if size.isdigit()
        )
        if not same:
            raise ShapeError(f"the comment says {shape}, the array is {tuple(found)}")


def _shape(value: Any) -> list[int]:
    """Return the shape of an array, a tensor, or lists of one length."""
    if hasattr(value, "shape"):
        return [int(size) for size in value.shape]
    if isinstance(value, list | tuple):
        inner = [_shape(item) for item in value]
        return [len(value), *(inner[0] if inner and all(one == inner[0] for one in inner) else [])]
    return []
