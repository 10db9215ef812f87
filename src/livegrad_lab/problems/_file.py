"""Find the answers in a file: a Python file, or a notebook, with a line that names each problem."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

__all__ = ["NotNamedError", "answers", "of_cells"]

_MARK = re.compile(r"^# problem: *(?P<name>\S+)[ \t]*$", re.MULTILINE)


class NotNamedError(ValueError):
    """A file names no problem, or one that there is not."""


def answers(path: Path, known: Mapping[str, object], only: str | None = None) -> dict[str, str]:
    """Return the code that answers each problem, by the problem's name, in the file's order.

    What stands above the first named problem belongs to each. Lines keep their numbers.

    Args:
        path: a Python file, or a notebook.
        known: the problems, by name.
        only: the one problem to look at. A Python file that names none is the answer to it.

    Raises:
        NotNamedError: if there is nothing to check; the message says what to write.
        OSError: if the file cannot be read.
    """
    if only is not None and only not in known:
        raise NotNamedError(f"no problem {only!r}; known: {', '.join(known)}")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise NotNamedError(f"{path}: must be a text file in UTF-8") from error
    if path.suffix == ".ipynb":
        found = of_cells(_cells(path, text))
    else:
        found = _of_text(text)
        if not found and only is not None:
            found = {only: text}
    strange = [name for name in found if name not in known]
    if strange:
        raise NotNamedError(f"{path}: no problem {strange[0]!r}; known: {', '.join(known)}")
    if only is not None:
        found = {name: code for name, code in found.items() if name == only}
    if not found:
        what = only or "NAME"
        raise NotNamedError(
            f"{path}: names no problem{' ' + only if only else ''}: begin the answer with the "
            f"line '# problem: {what}'; known: {', '.join(known)}"
        )
    return found


def of_cells(cells: Iterable[str]) -> dict[str, str]:
    """Return the code of the cells that begin with a problem's line; the latest of each counts."""
    found = {}
    for cell in cells:
        mark = _MARK.match(cell.lstrip())
        if mark:
            found[mark["name"]] = cell
    return found


def _of_text(text: str) -> dict[str, str]:
    marks = list(_MARK.finditer(text))
    found = {}
    for at, mark in enumerate(marks):
        end = marks[at + 1].start() if mark is not marks[-1] else len(text)
        head, before = text[: marks[0].start()], text[marks[0].start() : mark.start()]
        found[mark["name"]] = head + "\n" * before.count("\n") + text[mark.start() : end]
    return found


def _cells(path: Path, text: str) -> list[str]:
    try:
        cells = json.loads(text)["cells"]
        return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        raise NotNamedError(f"{path}: broken, not a notebook") from error
