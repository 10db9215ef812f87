"""Which of this distribution's sources a piece of code can reach by its imports, and their digest.

What an experiment gave is kept as long as nothing changes that it was made with. That is neither
all sources, or a word in a drawing would run every sweep again, nor the function alone. It is what
the code imports, what that imports in turn, and so on, wherever in a file the import stands.
"""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

__all__ = ["digest", "meaning", "reached"]

SOURCES = Path(__file__).resolve().parents[1]
ROOMS = ("livegrad", "livegrad_lab")


def reached(code: str, sources: Path = SOURCES) -> list[Path]:
    """Return the files of both packages that the code can reach, sorted.

    Whoever imports a package by its bare name may use all of it.

    Args:
        code: Python source.
        sources: the folder that holds the packages.
    """
    found: set[Path] = set()
    todo = list(_imported(ast.parse(code)))
    while todo:
        for path in _files(todo.pop(), sources):
            if path not in found:
                found.add(path)
                todo += _read(path, *_stamp(path))[0]
    return sorted(found)


def digest(code: str, sources: Path = SOURCES) -> str:
    """Return a digest of what the code can reach; docstrings and comments do not count.

    Code that reads a docstring is the exception: for it, every letter counts.

    Args:
        code: Python source.
        sources: the folder that holds the packages.
    """
    letters = "__doc__" in code
    total = hashlib.sha256()
    for path in reached(code, sources):
        one = path.read_text(encoding="utf-8") if letters else _read(path, *_stamp(path))[1]
        total.update(f"{path.relative_to(sources).as_posix()}\0{one}\0".encode())
    return total.hexdigest()


def meaning(code: str) -> str:
    """Return a digest of the code that docstrings, comments and layout leave as it is.

    Args:
        code: Python source.
    """
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [line for line in node.body if not _is_text(line)]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _is_text(line: ast.stmt) -> bool:
    return (
        isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    )


def _stamp(path: Path) -> tuple[int, int]:
    at = path.stat()
    return at.st_mtime_ns, at.st_size


@functools.cache
def _read(path: Path, written: int, size: int) -> tuple[tuple[str, ...], str]:
    """Return what a file imports and its digest, read once as long as it is not written to."""
    code = path.read_text(encoding="utf-8")
    return tuple(_imported(ast.parse(code))), meaning(code)


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield the dotted names that are imported; a package that is imported whole ends in a star."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                # The package's own name is bound, through which all of it can be reached.
                room = name.name.partition(".")[0]
                bound = name.name == room or name.asname is None
                yield f"{room}.*" if bound else name.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                yield f"{node.module}.{name.name}"


def _files(name: str, sources: Path) -> list[Path]:
    """Return the files that an import of this name runs."""
    parts = name.split(".")
    if parts[0] not in ROOMS:
        return []
    if parts[-1] == "*":
        return sorted(sources.joinpath(*parts[:-1]).rglob("*.py"))
    found = []
    for at in range(1, len(parts) + 1):
        place = sources.joinpath(*parts[:at])
        found += [place / "__init__.py", place.with_suffix(".py")]
    return [path for path in found if path.exists()]
