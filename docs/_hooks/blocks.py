"""Run the Python blocks of a page, each in an empty namespace, and keep what they give.

``record(text)`` is what tests and build compare a page with. It is kept under a digest of the
blocks and of all code, and of nothing else of the page: an output that was changed there is
compared with what the blocks gave. A page's blocks run in one process, one after the other.

As a program it keeps the record of each page whose path it reads, and answers with what went wrong.
The build has some of these at work, and never loads TensorFlow itself.
"""

from __future__ import annotations

import doctest
import importlib
import io
import json
import os
import re
import sys
import traceback
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import cache
import fences
import results

KERAS = re.compile(r"^\s*(?:import|from) (?:keras|tensorflow)\b", re.MULTILINE)
QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "CUDA_VISIBLE_DEVICES": "-1",
}
_PACKAGE = cache.ROOT / "src" / "livegrad"


def kept_as(text: str) -> Path:
    """Return where the record of a page with these blocks is kept."""
    drawing = _drawing(text)
    parts = [f"{fence.first in drawing}{fence.code}" for fence in fences.python(text)]
    return cache.FOLDER / "pages" / f"{cache.key('blocks', *parts)}.json"


def keeps() -> bool:
    """Return whether records are kept: not where ``LIVEGRAD_CACHE`` is empty.

    What measures whether a change in the code is noticed asks for that.
    """
    return os.environ.get("LIVEGRAD_CACHE") != ""


def kept(path: Path) -> Any:
    """Return what is kept there, or None."""
    if not keeps() or not path.exists():
        return None
    return json.loads(path.read_text(encoding="utf-8"))


def _drawing(text: str) -> set[int]:
    return {result.block.first for result in fences.results(text) if result.block}


def known(text: str) -> list[dict[str, str]] | None:
    """Return the page's record, or None if the page has to be run for it."""
    made: list[dict[str, str]] | None = kept(kept_as(text)) if fences.python(text) else []
    return made


def has_examples() -> bool:
    """Return whether the docstrings' examples need no run."""
    return kept(_examples_kept_as()) is not None


def record(text: str) -> list[dict[str, str]]:
    """Return what each Python block of the page gives, in order.

    That is ``printed``, or ``drawn``, the digest of a figure or a table, or ``error``, a line.
    """
    path = kept_as(text)
    made: list[dict[str, str]] | None = kept(path)
    if made is None:
        drawing = _drawing(text)
        made = [given(fence.code, fence.first in drawing) for fence in fences.python(text)]
        cache.store(path, json.dumps(made))
    return made


def one(text: str, first: int) -> tuple[fences.Fence, dict[str, str]]:
    """Return the block whose fence opens in line ``first``, and what it gives.

    The page is run as a whole and once, but where nothing is kept: there the block alone.
    """
    found = fences.python(text)
    at = next(at for at, fence in enumerate(found) if fence.first == first)
    if keeps():
        return found[at], record(text)[at]
    return found[at], given(found[at].code, first in _drawing(text))


def given(code: str, draws: bool = False) -> dict[str, str]:
    """Return what one block gives."""
    try:
        if KERAS.search(code):
            importlib.import_module("keras")  # which warns as it is loaded
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            if draws:
                # The build will draw the same: it is drawn once, if it may be kept.
                made = results.rendered(code, cache.key(code)) if keeps() else results.drawn(code)
                return {"drawn": results.digest(made)}
            return {"printed": printed(code)}
    except (Exception, SystemExit) as error:
        lines = [at.lineno for at in traceback.extract_tb(error.__traceback__)]
        files = [at.filename for at in traceback.extract_tb(error.__traceback__)]
        inside = [line for line, file in zip(lines, files, strict=True) if file == "<block>"]
        place = f"its line {inside[-1]}: " if inside else ""
        return {"error": place + traceback.format_exception_only(error)[-1].strip()}


def printed(code: str) -> str:
    """Return what ``code`` prints in an empty namespace."""
    results.forget()
    said = io.StringIO()
    with redirect_stdout(said):
        exec(compile(code, "<block>", "exec"), {"__MODULE__": "__main__"})
    return said.getvalue()


def examples() -> list[tuple[str, int, str]]:
    """Return the examples in docstrings that give something else: file, line and what."""
    path = _examples_kept_as()
    wrong = kept(path)
    if wrong is None:
        wrong = [found for file in sorted(_PACKAGE.rglob("*.py")) for found in _examples(file)]
        cache.store(path, json.dumps(wrong))
    return [(file, line, what) for file, line, what in wrong]


def _examples_kept_as() -> Path:
    return cache.FOLDER / "pages" / f"{cache.key('examples')}.json"


def _examples(file: Path) -> list[tuple[str, int, str]]:
    text = file.read_text(encoding="utf-8")
    if ">>> " not in text:
        return []
    name = ".".join(file.relative_to(_PACKAGE.parent).with_suffix("").parts)
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


def serve() -> None:
    """Answer each line of the standard input, a page's path or "examples", when it has been run."""
    # What a block, or a process of its own, writes past Python's streams is no answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in sys.stdin:
        name = line.strip()
        try:
            said = ""
            if name == "examples":
                examples()
            else:
                record(Path(name).read_text(encoding="utf-8"))
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
        print(json.dumps(said), file=answers, flush=True)


if __name__ == "__main__":
    serve()
