"""Which of this distribution's sources a piece of code can reach by its imports, and their digest.

What an experiment gave is kept as long as nothing changes that it was made with. That is neither
all sources, or a word in a drawing would run every sweep again, nor the function alone. It is what
the code imports, what that imports in turn, and so on, wherever in a file the import stands.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["digest", "meaning", "of", "reached"]

SOURCES = Path(__file__).resolve().parents[1]
ROOMS = ("livegrad", "livegrad_lab")
# The small package's face hands on what its modules hold, and no module is changed by being handed
# on. Who imports one of them depends on nothing that stands beside it.
FACE = "livegrad"


def reached(code: str, sources: Path = SOURCES) -> list[Path]:
    """Return the files of both packages that the code can reach, sorted.

    Whoever imports a package by its bare name may use all of it.

    Args:
        code: Python source.
        sources: the folder that holds the packages.
    """
    ways = _ways(sources, _stamps(sources))
    found: set[Path] = set()
    for name in set(_imported(ast.parse(code))):
        parts = name.split(".")
        # The longest part of the name that is a module: the rest is what is taken from it.
        known = (ways.get(".".join(parts[:at])) for at in range(len(parts), 0, -1))
        found.update(next((way for way in known if way), ()))
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
        at = path.stat()
        own = _read(path, at.st_mtime_ns, at.st_size)[1]
        one = path.read_text(encoding="utf-8") if letters else own
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


def of(function: Callable[..., Any]) -> str:
    """Return a digest of a function and of all that it can reach here.

    Args:
        function: any; of one that has no source, what it was compiled to counts.
    """
    function = inspect.unwrap(function)  # of one that is cached, what is cached
    name = f"{function.__module__}.{function.__qualname__}"
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        code = getattr(function, "__code__", None)
        source = repr((code.co_code, code.co_consts, code.co_names)) if code else ""
    try:
        file = Path(inspect.getfile(function)).read_text(encoding="utf-8")
    except (OSError, TypeError):
        file = "import livegrad, livegrad_lab"  # what cannot be read may use anything
    # What its package runs before it may have filled what it looks up.
    reach = f"{file}\nfrom {function.__module__} import _\n"
    parts = [name, source, meaning(file), digest(reach)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _is_text(line: ast.stmt) -> bool:
    return (
        isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    )


def _stamps(sources: Path) -> tuple[tuple[str, int, int], ...]:
    """Return when each source was written, and its size."""
    found = []
    for room in ROOMS:
        for folder, _, names in os.walk(sources / room):
            for path in (os.path.join(folder, name) for name in names if name.endswith(".py")):
                at = os.stat(path)
                found.append((path, at.st_mtime_ns, at.st_size))
    return tuple(sorted(found))


@functools.lru_cache(maxsize=8)
def _ways(sources: Path, stamps: tuple[tuple[str, int, int], ...]) -> dict[str, set[Path]]:
    """Return for each module's name all files that an import of it can reach, its own among them.

    A package's name with a star stands for all that lies in it.
    """
    modules: dict[str, Path] = {}
    imports: dict[str, tuple[str, ...]] = {}
    for path, written, size in stamps:
        parts = Path(path).relative_to(sources).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        # As Python does, where a package and a module have one name.
        if name not in modules or parts[-1] == "__init__":
            modules[name] = Path(path)
            imports[name] = _read(Path(path), written, size)[0]

    def run(name: str) -> list[str]:
        """Return the modules that an import of the name runs first."""
        if name.endswith(".*"):
            return [one for one in modules if f"{one}.".startswith(name[:-1])]
        parts = name.split(".")
        levels = [".".join(parts[: at + 1]) for at in range(len(parts))]
        runs = [one for one in levels if one in modules]
        return runs[1:] if runs[:1] == [FACE] and len(runs) > 1 else runs

    ways = {}
    for start in [*modules, *(f"{room}.*" for room in ROOMS)]:
        found: set[str] = set()
        todo = run(start)
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += [one for other in imports[name] for one in run(other)]
        ways[start] = {modules[name] for name in found}
    return ways


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
