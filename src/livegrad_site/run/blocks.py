"""Run the Python blocks of a page, each in an empty namespace, and keep what they give.

``record(text)`` is what tests and build compare a page with. It is kept under a digest of the
blocks and of all code, and of nothing else of the page: an output that was changed there is
compared with what the blocks gave. A page's blocks run in one process, one after the other.
"""

from __future__ import annotations

import doctest
import importlib
import io
import json
import os
import re
import traceback
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from livegrad_site.read import fences
from livegrad_site.run import cache, results, shapes, snapshot

# What warns as it is loaded.
_LOUD = re.compile(r"^\s*(?:import|from) (?P<name>keras|tensorflow|torch)\b", re.MULTILINE)


def kept_as(text: str) -> Path:
    """Return where the record of a page with these blocks is kept."""
    drawing = _drawing(text)
    codes = [fence.code for fence in fences.python(text)]
    parts = [f"{fence.first in drawing}{fence.code}" for fence in fences.python(text)]
    return cache.FOLDER / "pages" / f"{cache.key('blocks', *parts, code=codes)}.json"


def keeps() -> bool:
    """Return whether records are kept: not where ``LIVEGRAD_CACHE`` is empty.

    What measures whether a change in the code is noticed asks for that.
    """
    return os.environ.get("LIVEGRAD_CACHE") != ""


def kept(path: Path) -> Any:
    """Return what is kept there, or None."""
    body = cache.load(path) if keeps() else None
    return None if body is None else json.loads(body)


def _drawing(text: str) -> set[int]:
    return {result.block.first for result in fences.results(text) if result.block}


def known(text: str) -> list[dict[str, Any]] | None:
    """Return the page's record, or None if the page has to be run for it."""
    if hidden(text) and kept(_hidden_kept_as(text)) is None:
        return None
    made: list[dict[str, Any]] | None = kept(kept_as(text)) if fences.python(text) else []
    return None if made is None or _undrawn(text, made) else made


def has_examples() -> bool:
    """Return whether the docstrings' examples need no run."""
    return kept(_examples_kept_as()) is not None


def record(text: str) -> list[dict[str, Any]]:
    """Return what each Python block of the page gives, in order.

    That is ``printed``, or ``drawn``, the digest of a figure or a table, or ``error``, a line; and
    ``names``, the values that the block leaves behind (see ``snapshot``).
    """
    path = kept_as(text)
    made: list[dict[str, Any]] | None = kept(path)
    if made is None:
        drawing = _drawing(text)
        made = [given(fence.code, fence.first in drawing) for fence in fences.python(text)]
        cache.store(path, json.dumps(made))
    return made


def draw(text: str) -> None:
    """Draw anew what the page's blocks draw and is kept no more."""
    for fence in _undrawn(text, record(text)):
        given(fence.code, draws=True)


def _undrawn(text: str, made: list[dict[str, Any]]) -> list[fences.Fence]:
    """Return the blocks of a page with this record whose figures and tables are kept no more."""
    if not keeps():
        return []
    pairs = zip(fences.python(text), made, strict=True)
    drawing = [fence for fence, one in pairs if "drawn" in one]
    return [fence for fence in drawing if not results.is_kept(results.key(fence.code))]


def hidden(text: str) -> list[tuple[int, str]]:
    """Return the hidden blocks, which make values for proofs alone: line and code."""
    found = fences.GIVEN.finditer(text)
    return [(text.count("\n", 0, match.start()) + 1, match["code"]) for match in found]


def backing(text: str) -> list[dict[str, Any]]:
    """Return what each hidden block of the page gives, in order."""
    codes = [code for _, code in hidden(text)]
    if not codes:
        return []
    path = _hidden_kept_as(text)
    made: list[dict[str, Any]] | None = kept(path)
    if made is None:
        made = [given(code) for code in codes]
        cache.store(path, json.dumps(made))
    return made


def _hidden_kept_as(text: str) -> Path:
    codes = [code for _, code in hidden(text)]
    return cache.FOLDER / "pages" / f"{cache.key('hidden', *codes, code=codes)}.json"


def one(text: str, first: int) -> tuple[fences.Fence, dict[str, Any]]:
    """Return the block whose fence opens in line ``first``, and what it gives.

    The page is run as a whole and once, but where nothing is kept: there the block alone. A block
    that needs PyTorch is no part of the page's record, and is run alone.
    """
    for fence in fences.torch(text):
        if fence.first == first:
            return fence, given(fence.code)
    found = fences.python(text)
    at = next(at for at, fence in enumerate(found) if fence.first == first)
    if keeps():
        return found[at], record(text)[at]
    return found[at], given(found[at].code, first in _drawing(text))


def given(code: str, draws: bool = False) -> dict[str, Any]:
    """Return what one block gives."""
    space: dict[str, Any] = {}
    try:
        for name in sorted({match["name"] for match in _LOUD.finditer(code)}):
            importlib.import_module(name)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            if draws:
                made = results.drawn(code, space)
                if keeps():  # the build will draw the same
                    results.keep(made, results.key(code))
                return {"drawn": results.digest(made), "names": snapshot.of(space)}
            return {"printed": printed(code, space), "names": snapshot.of(space)}
    except (Exception, SystemExit) as error:
        lines = [at.lineno for at in traceback.extract_tb(error.__traceback__)]
        files = [at.filename for at in traceback.extract_tb(error.__traceback__)]
        inside = [line for line, file in zip(lines, files, strict=True) if file == "<block>"]
        place = f"its line {inside[-1]}: " if inside else ""
        return {"error": place + traceback.format_exception_only(error)[-1].strip()}


def printed(code: str, space: dict[str, Any] | None = None) -> str:
    """Return what ``code`` prints in an empty namespace, and add its names to ``space``."""
    results.forget()
    space = {} if space is None else space
    space |= {"__name__": "__main__", shapes.CHECK: shapes.compare}
    said = io.StringIO()
    with redirect_stdout(said):
        exec(compile(shapes.checking(code), "<block>", "exec"), space)
    return said.getvalue()


def examples() -> list[tuple[str, int, str]]:
    """Return the examples in docstrings that give something else: file, line and what."""
    path = _examples_kept_as()
    wrong = kept(path)
    if wrong is None:
        wrong = [found for file in cache.sources() for found in _examples(file)]
        cache.store(path, json.dumps(wrong))
    return [(file, line, what) for file, line, what in wrong]


def _examples_kept_as() -> Path:
    texts = [file.read_text(encoding="utf-8") for file in cache.sources()]
    return cache.FOLDER / "pages" / f"{cache.key('examples', *texts)}.json"


def _examples(file: Path) -> list[tuple[str, int, str]]:
    text = file.read_text(encoding="utf-8")
    if ">>> " not in text:
        return []
    name = ".".join(file.relative_to(cache.ROOT / "src").with_suffix("").parts)
    module = importlib.import_module(name.removesuffix(".__init__"))
    place = file.relative_to(cache.ROOT).as_posix()
    wrong: list[tuple[str, int, str]] = []

    class Runner(doctest.DocTestRunner):
        def report_failure(self, out: Any, test: Any, example: Any, got: str) -> None:
            line = (test.lineno or 0) + example.lineno + 1
            wrong.append((place, line, f"gives {got.strip()}, not {example.want.strip()}"))

        def report_unexpected_exception(self, out: Any, test: Any, example: Any, said: Any) -> None:
            line = (test.lineno or 0) + example.lineno + 1
            wrong.append((place, line, f"raises {said[0].__name__}: {said[1]}"))

    for test in doctest.DocTestFinder().find(module):
        results.forget()
        Runner(verbose=False).run(test, out=lambda said: None)
    return wrong
