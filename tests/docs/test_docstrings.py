"""The API pages show a docstring's example as code, not as a pile of quotations.

mkdocstrings knows the section ``Examples``; under any other heading the prompts ``>>>`` are taken
for block quotes, and ``[a][b]`` over two lines for a link that leads nowhere.
"""

import ast
import pathlib
import re

import pytest

SOURCES = sorted((pathlib.Path(__file__).resolve().parents[2] / "src").rglob("*.py"))


def docstrings(path):
    tree = ast.parse(path.read_text("utf-8"))
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef
    found = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, kinds)]
    return [text for text in found if text]


def misplaced(text):
    """Whether a prompt stands outside the section Examples."""
    outside = re.sub(r"^Examples:\n(?:(?:    .*)?(?:\n|$))+", "", text, flags=re.MULTILINE)
    return ">>> " in outside


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_doctests_stand_in_the_section_that_is_rendered_as_code(path):
    assert [text for text in docstrings(path) if misplaced(text)] == []


def test_a_doctest_under_another_heading_is_caught():
    assert misplaced("Sum.\n\nExample:\n    >>> 1 + 1\n    2\n")
    assert not misplaced("Sum.\n\nExamples:\n    >>> 1 + 1\n    2\n\nSource:\n    A paper.\n")
