"""Set paragraphs, formulas and tables on A4 with Matplotlib, which the site has already.

No browser and no font but Matplotlib's own is needed, and the same blocks give the same bytes.
"""

from __future__ import annotations

import functools
import io
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib import rc_context
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Outline
from matplotlib.textpath import TextPath, text_to_path
from matplotlib.transforms import Affine2D

from livegrad.figures import PALETTE

if TYPE_CHECKING:
    from sheet import Block, Piece

# In points, of which an inch has 72.
PAGE = (595.0, 842.0)
MARGIN = 30.0
SIZES = {"h1": 17.0, "h2": 9.4, "formula": 13.5, "paragraph": 7.3, "table": 6.7}
LEADING = 1.32
PAD = 3.0
_INK, _QUIET, _RULE, _SHADE = "#16203a", "#5c6470", "#c9cfda", "#eef1f6"
_LARGE = 1000.0  # a size at which rounding to whole points is of no account
_FACTORS = {"act": "c1", "wt": "c2", "msk": "c3", "hd": "c4"}
_BODY = r"(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*"
_FACTOR = re.compile(rf"\\(?P<factor>act|wt|msk|hd)\{{(?P<body>{_BODY})\}}")


@dataclass(frozen=True)
class Box:
    """What is drawn in one go, and how wide it is; of a formula the outlines."""

    text: str
    font: FontProperties
    colour: str
    width: float
    outline: Outline | None = None


Word = list[Box]  # what no line break may part


@functools.cache
def _box(text: str, kind: str, size: float, bold: bool, colour: str) -> Box:
    family = "DejaVu Sans Mono" if kind == "code" else "DejaVu Sans"
    font = FontProperties(family=family, size=size, weight="bold" if bold else "normal")
    if kind != "tex":
        width, _, _ = text_to_path.get_text_width_height_descent(text, font, False)
        return Box(text, font, colour, float(width))
    # As text its height would be rounded to whole points, and it would not stand on the line.
    large = FontProperties(family=family, size=_LARGE, weight=font.get_weight())
    width, _, _ = text_to_path.get_text_width_height_descent(f"${text}$", large, True)
    space = not text.strip("\\,;")
    outline = None if space else TextPath((0, 0), f"${text}$", size=size, prop=font)
    return Box("", font, colour, float(width) * size / _LARGE, outline)


def _coloured(tex: str) -> list[tuple[str, str]]:
    """Return TeX in parts, each with its factor's colour."""
    plain = re.sub(r"\\(?:left|right)(?=[()])", r"\\,", tex)
    parts: list[tuple[str, str]] = []
    at = 0
    for match in _FACTOR.finditer(plain):
        parts.append((plain[at : match.start()], _INK))
        parts.append((match["body"], PALETTE[_FACTORS[match["factor"]]][0]))
        at = match.end()
    parts.append((plain[at:], _INK))
    # A power of what stands in the part before has nothing to stand on.
    return [(re.sub(r"^(?=[\^_])", "{}", t.strip()), colour) for t, colour in parts if t.strip()]


def words(cell: list[Piece], size: float, bold: bool = False) -> list[Word]:
    """Return a cell's words; a piece that follows without a space belongs to the word before."""
    found: list[Word] = [[]]
    for piece in cell:
        if piece.kind == "tex":
            found[-1] += [_box(t, "tex", size, bold, colour) for t, colour in _coloured(piece.text)]
            continue
        parts = piece.text.split(" ")
        for at, part in enumerate(parts):
            if at:
                found.append([])
            if part:
                found[-1].append(_box(part, piece.kind, size, bold, _INK))
    return [word for word in found if word]


def _wide(word: Word) -> float:
    return sum(box.width for box in word)


def broken(cell: list[Word], width: float, space: float) -> list[list[Word]]:
    """Return the words in lines no wider than ``width``, unless one word is."""
    lines: list[list[Word]] = []
    left = 0.0
    for word in cell:
        if not lines or left + space + _wide(word) > width:
            lines.append([word])
            left = _wide(word)
        else:
            lines[-1].append(word)
            left += space + _wide(word)
    return lines


def columns(rows: list[list[list[Word]]], width: float, space: float) -> list[float]:
    """Return how wide each column of a table is, so that all of them fill ``width``.

    Raises:
        ValueError: if the longest words are too wide together.
    """
    least, most = [], []
    for column in zip(*rows, strict=True):
        least.append(max((_wide(word) for cell in column for word in cell), default=0.0) + 2 * PAD)
        lines = [sum(_wide(word) + space for word in cell) - space for cell in column]
        most.append(max(lines) + 2 * PAD)
    spare = width - sum(least)
    if spare < 0:
        raise ValueError(f"a table's words are {-spare:.0f} points too wide for the page")
    wish = [b - a for a, b in zip(least, most, strict=True)]
    share = spare / sum(wish) if sum(wish) > spare else 1.0
    filled = [a + share * extra for a, extra in zip(least, wish, strict=True)]
    return [w + (width - sum(filled)) / len(filled) for w in filled]


class Setter:
    """Pages that are filled from the top."""

    def __init__(self, foot: str) -> None:
        self.foot = foot
        self.pages: list[Figure] = []
        self.turn()

    def turn(self) -> None:
        """Begin a page."""
        self.pages.append(Figure(figsize=(PAGE[0] / 72, PAGE[1] / 72)))
        self.y = PAGE[1] - MARGIN
        note = _box(self.foot, "text", 6.0, False, _QUIET)
        self.line([[note]], MARGIN, MARGIN - 14, 0.0)

    def room(self, height: float) -> None:
        """Turn the page unless so much is left of it."""
        if self.y - height < MARGIN:
            self.turn()

    def line(self, line: list[Word], x: float, y: float, space: float) -> None:
        """Draw a line of words from ``x`` on, with their baseline at ``y``."""
        for word in line:
            for box in word:
                self.box(box, x, y)
                x += box.width
            x += space

    def box(self, box: Box, x: float, y: float) -> None:
        """Draw one box."""
        if box.outline is None:
            at = x / PAGE[0], y / PAGE[1]
            style: dict[str, Any] = {"color": box.colour, "fontproperties": box.font}
            self.pages[-1].text(*at, box.text, parse_math=False, va="baseline", **style)
        else:
            to_page = Affine2D().translate(x, y).scale(1 / 72) + self.pages[-1].dpi_scale_trans
            shape = PathPatch(box.outline, facecolor=box.colour, linewidth=0, transform=to_page)
            self.pages[-1].add_artist(shape)

    def rule(self, x: tuple[float, float], y: float) -> None:
        """Draw a thin line across."""
        ends = [at / PAGE[0] for at in x], [y / PAGE[1]] * 2
        self.pages[-1].add_artist(Line2D(*ends, color=_RULE, linewidth=0.5))

    def shade(self, y: float, height: float) -> None:
        """Lay a light ground across the page."""
        width = (PAGE[0] - 2 * MARGIN) / PAGE[0]
        place = (MARGIN / PAGE[0], y / PAGE[1])
        ground = Rectangle(place, width, height / PAGE[1], facecolor=_SHADE, edgecolor="none")
        self.pages[-1].add_artist(ground)

    def set(self, block: Block) -> None:
        """Set a block below what is there."""
        if block.kind == "table":
            self.table(block)
            return
        size = SIZES[block.kind]
        bold = block.kind in ("h1", "h2")
        space = 0.3 * size
        cell = words(block.rows[0][0], size, bold)
        if block.kind == "formula":
            # On the title's line, at its right; an operator's letters hang below it.
            apart = [[box] for word in cell for box in word]
            wide = sum(map(_wide, apart)) + space * (len(apart) - 1)
            self.line(apart, PAGE[0] - MARGIN - wide, self.y + 0.6 * size, space)
            self.y -= 1.0 * size
            return
        if block.kind == "h2":
            self.room(9 * size)  # never parted from what it is the heading of
            self.y -= 0.5 * size
        for line in broken(cell, PAGE[0] - 2 * MARGIN, space):
            self.room(LEADING * size)
            self.y -= LEADING * size
            self.line(line, MARGIN, self.y, space)
        self.y -= 0.45 * size

    def table(self, block: Block) -> None:
        """Set a table, its rows whole."""
        size = SIZES["table"]
        space, step = 0.3 * size, LEADING * size
        rows = [
            [words(cell, size, bold=not at) for cell in row] for at, row in enumerate(block.rows)
        ]
        wide = columns(rows, PAGE[0] - 2 * MARGIN, space)
        for at, row in enumerate(rows):
            cells = [broken(c, w - 2 * PAD, space) for c, w in zip(row, wide, strict=True)]
            height = max(map(len, cells)) * step + PAD
            self.room(height)
            if not at:
                self.shade(self.y - height, height)
            x = MARGIN
            for lines, width in zip(cells, wide, strict=True):
                for down, line in enumerate(lines):
                    self.line(line, x + PAD, self.y - (down + 0.95) * step, space)
                x += width
            self.y -= height
            self.rule((MARGIN, PAGE[0] - MARGIN), self.y)
        self.y -= 0.7 * size


def pdf(blocks: list[Block], title: str, foot: str) -> bytes:
    """Return the blocks as PDF; its words can be searched and copied, its formulas are drawn."""
    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it finds the fonts' dates too early
    style: dict[Any, Any] = {"pdf.fonttype": 42, "mathtext.fontset": "dejavusans"}
    with rc_context(style):
        setter = Setter(foot)
        for block in blocks:
            setter.set(block)
        written = io.BytesIO()
        about = {"Title": title, "Author": "Livegrad", "CreationDate": None}
        with PdfPages(written, metadata=about) as file:
            for page in setter.pages:
                file.savefig(page)
    return written.getvalue()
