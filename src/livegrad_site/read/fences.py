"""Find every fence of a Markdown page, the run-time checks' and the build's one view of it.

Written without pytest-codeblocks' parser on purpose: the census in the tests counts with this
one and compares, so a fence that pytest-codeblocks passes over in silence is noticed.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

OUTPUT_MARK = "<!--pytest-codeblocks:expected-output-->"
# Where PyTorch is not installed, a block with this mark is left to ``nox -s torch``.
TORCH_MARK = "<!--pytest-codeblocks:importorskip(torch)-->"
_TORCH = re.compile(r"^\s*(?:import|from) torch\b", re.MULTILINE)
RESULT_MARK = re.compile(r"\s*<!--livegrad:result(?: (?P<digest>[0-9a-f]{12}))?-->\s*")
# A block for proofs alone, which no reader sees.
GIVEN = re.compile(r"<!--given\n(?P<code>.*?)-->", re.DOTALL)

_OPENING = re.compile(r"^(?P<lead>[ \t>]*)(?P<ticks>`{3,}|~{3,})(?P<info>[^`]*)$")
_PYTHON = re.compile(r"^\s*\{?\s*\.?\s*(py|python|pycon|python3|ipython)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Fence:
    """A fenced block: line numbers count from 1 and include the fence's own two lines."""

    lead: str
    ticks: str
    info: str
    code: str
    first: int
    last: int
    mark: str

    @property
    def looks_like_python(self) -> bool:
        """Whether a reader would take the block for Python."""
        return bool(_PYTHON.match(self.info)) or self.code.lstrip().startswith(">>> ")

    @property
    def needs_torch(self) -> bool:
        """Whether the block imports PyTorch, which no lock holds."""
        return self.info == "python" and bool(_TORCH.search(self.code))

    @property
    def is_output(self) -> bool:
        """Whether the block is what the block before it must print."""
        return self.mark == OUTPUT_MARK

    @property
    def prints(self) -> bool:
        """Whether the block calls print."""
        return bool(re.search(r"\bprint\(", self.code))


@dataclass(frozen=True)
class Result:
    """A mark whose place is taken by what the block above it draws."""

    lead: str
    line: int
    digest: str
    block: Fence | None


def find(text: str) -> list[Fence]:
    """Return the fences of ``text`` in order; an unclosed one raises ValueError."""
    return list(_find(text))


# A page is asked for its fences by many, and once a block.
@functools.lru_cache(maxsize=256)
def _find(text: str) -> tuple[Fence, ...]:
    found: list[Fence] = []
    lines = text.splitlines()
    mark = ""
    at = 0
    while at < len(lines):
        opening = _OPENING.match(lines[at])
        if not opening:
            if lines[at].strip():
                mark = lines[at].strip()
            at += 1
            continue
        lead, ticks = opening["lead"], opening["ticks"]
        end = at + 1
        while end < len(lines) and not _closes(lines[end], ticks):
            end += 1
        if end == len(lines):
            raise ValueError(f"the fence opened in line {at + 1} is never closed")
        body = [_unindent(line, len(lead)) for line in lines[at + 1 : end]]
        code = "".join(line + "\n" for line in body)
        found.append(Fence(lead, ticks, opening["info"], code, at + 1, end + 1, mark))
        mark = ""
        at = end + 1
    return tuple(found)


def python(text: str) -> list[Fence]:
    """Return the fences of ``text`` that run with the locked versions, in order."""
    return [fence for fence in find(text) if fence.info == "python" and not fence.needs_torch]


def torch(text: str) -> list[Fence]:
    """Return the fences of ``text`` that need PyTorch, in order."""
    return [fence for fence in find(text) if fence.needs_torch]


def results(text: str) -> list[Result]:
    """Return the result marks of ``text`` in order, each with the block that makes it."""
    return list(_results(text))


@functools.lru_cache(maxsize=256)
def _results(text: str) -> tuple[Result, ...]:
    blocks = {fence.last: fence for fence in find(text)}
    inside = {line for fence in blocks.values() for line in range(fence.first, fence.last + 1)}
    found: list[Result] = []
    latest: Fence | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        latest = blocks.get(number, latest)
        mark = RESULT_MARK.fullmatch(line)
        if mark and number not in inside:
            lead = line[: len(line) - len(line.lstrip())]
            found.append(Result(lead, number, mark["digest"] or "", latest))
    return tuple(found)


def _closes(line: str, ticks: str) -> bool:
    stripped = line.strip(" \t>")
    return stripped.startswith(ticks) and set(stripped) == {ticks[0]}


def _unindent(line: str, width: int) -> str:
    lead = len(line) - len(line.lstrip())
    return line[min(width, lead) :]


def pages(root: Path) -> list[Path]:
    """Return the Markdown files whose blocks are run: the README and all pages under docs."""
    docs = sorted(
        path
        for path in (root / "docs").rglob("*.md")
        if not any(part.startswith("_") for part in path.relative_to(root).parts)
    )
    return [root / "README.md", *docs]
