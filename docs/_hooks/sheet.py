"""Publish the cheat sheet as PDF too, set from the very page: its tables, formulas and words."""

from __future__ import annotations

import importlib.util
import re
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

import cache
import fences
import later
import results
import sentences

PAGE = "reference/cheat-sheet.md"
PATH = "reference/cheat-sheet.pdf"
SETTER = Path(__file__).with_name("typeset.py")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_FOLD = re.compile(r"^\?\?\? .*\n(?:(?: {4}.*)?\n)+", re.MULTILINE)
_REASON = re.compile(r" \(\[why\]\([^)]*\)\)")
# What leads to the PDF, and what the page loads, is of no use in it.
_ONLINE = re.compile(r"^(?:<link .*>|.*cheat-sheet\.pdf.*)\n", re.MULTILINE)
_INLINE = re.compile(r"`(?P<code>[^`]+)`|\$(?P<tex>[^$]+)\$|\[(?P<link>[^\]]+)\]\([^)]*\)")


@dataclass(frozen=True)
class Piece:
    """A run of text of one kind: ``text``, ``code`` or ``tex``."""

    kind: str
    text: str


@dataclass(frozen=True)
class Block:
    """A heading, paragraph, formula (one row, one cell) or table (rows of cells)."""

    kind: str
    rows: list[list[list[Piece]]]


def pieces(text: str) -> list[Piece]:
    """Return a line of Markdown as pieces of one kind each."""
    found: list[Piece] = []
    at = 0
    for match in _INLINE.finditer(text):
        found.append(Piece("text", text[at : match.start()]))
        kind = str(match.lastgroup)
        found.append(Piece("text" if kind == "link" else kind, match[kind]))
        at = match.end()
    return [piece for piece in [*found, Piece("text", text[at:])] if piece.text]


def blocks(markdown: str) -> list[Block]:
    """Return what of the page is set: all but folds and what is only of use on a screen."""
    markdown = sentences.bare(markdown)
    for part in (_FRONT_MATTER, _FOLD, _REASON, _ONLINE):
        markdown = part.sub("", markdown)
    found = []
    for block in re.split(r"\n{2,}", markdown.strip()):
        heading = re.match(r"(#+) (.*)", block)
        if heading:
            found.append(Block("h" + str(len(heading[1])), [[pieces(heading[2])]]))
        elif block.startswith("$$"):
            found.append(Block("formula", [[[Piece("tex", block.strip("$"))]]]))
        elif block.startswith("|"):
            head, _, *rows = block.splitlines()
            cells = [row.strip("|").split("|") for row in [head, *rows]]
            found.append(Block("table", [[pieces(c.strip()) for c in row] for row in cells]))
        else:
            found.append(Block("paragraph", [[pieces(" ".join(block.split()))]]))
    return found


def document() -> bytes:
    """Return the PDF of the page as it is now."""
    text = (cache.ROOT / "docs" / PAGE).read_text(encoding="utf-8")
    # Loaded when there is something to set: Matplotlib takes a second.
    spec: Any = importlib.util.spec_from_file_location("typeset", SETTER)
    typeset = sys.modules["typeset"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(typeset)
    foot = f"livegrad {version('livegrad')}, text and figures CC BY 4.0"
    made: bytes = typeset.pdf(blocks(results.expand(text)), "Livegrad: cheat sheet", foot)
    return made


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """MkDocs event: publish the PDF beside the page."""
    page = (cache.ROOT / "docs" / PAGE).read_text(encoding="utf-8")
    setter = SETTER.read_text(encoding="utf-8")
    if later.waits(cache.ROOT / "docs" / PAGE, page):
        files.append(File.generated(config, PATH, content=b""))
        return files
    run = [setter, *(fence.code for fence in fences.python(page))]
    content = cache.kept("cheat-sheet.pdf", document, page, setter, version("livegrad"), code=run)
    files.append(File.generated(config, PATH, content=content))
    return files
