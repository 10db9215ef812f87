"""Where the names of lines stand: beside their ends, or in a legend above the panels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import AutoLocator

from livegrad._checks import Array
from livegrad._svg import COLOURS, legend, style, ticks

# All in points, of which a figure is 432 wide: from one name to the next one, and how far the
# middle of a name stays from the upper and the lower end of the axis.
_PITCH, _INSIDE = 13.0, 6.0
# From the end of a line to its name, and where a leader has to be seen between the two.
_NEAR, _FAR = 6.0, 22.0
# A name farther from its line's end than this is no longer beside it.
_FARTHEST = 2.25 * _PITCH
# Lines that end within this height end at one point, to the eye.
_STROKES = 3.0
# How much of the axis may lie between the ends of two lines from left to right.
_RAGGED = 0.05


class _Panel(NamedTuple):
    """A panel's lines with, in points, where they end and how high their names stand."""

    axes: Axes
    lines: list[Line2D]
    ends: Array  # (lines, 2)
    heights: Array  # (lines,)

    @property
    def moves(self) -> Array:
        moves: Array = np.abs(self.heights - self.ends[:, 1])
        return moves


def name_lines(drawn: Canvas) -> None:
    """Write the names of all lines beside their right ends, or else in a legend.

    The names stand in one panel, the one in which they are nearest to their lines' ends, in the
    order of the ends and in the lines' colours. Where they would cover each other they are moved
    apart, and a leader with the line's dashes joins each to its end.

    The legend stays where that cannot be read:

    - what is named is no line: dots, bars, steps, areas;
    - there are more lines than colours;
    - a name is wider than a third of a panel;
    - in each panel some line ends early, or three of them end at one point, where to be beside it
      tells nothing, or the names are too many for its height, or one of them would be moved by more
      than twice its height.
    """
    handles, names = drawn.axes[0].get_legend_handles_labels()
    if not names:
        return
    drawable = all(isinstance(h, Line2D) and h.get_linestyle() != "None" for h in handles)
    panels = _panels(drawn, names) if drawable and len(names) <= len(COLOURS) else []
    if not panels:
        legend(drawn)
        return
    best = min(panels, key=lambda panel: float(panel.moves.max()))
    for axes in drawn.axes:  # a legend's room is the lines', and not for more ticks
        if isinstance(axes.yaxis.get_major_locator(), AutoLocator):
            ticks(axes.yaxis, 6)
        # Nor is there room above any more for the name of an axis that is longer than the axis.
        label = axes.yaxis.label
        over = label.get_window_extent().y1 + 1 - drawn.bbox.y1
        label.set_y(0.5 - max(over, 0) / axes.bbox.height)
    moved = bool((best.moves > 1).any())
    right = best.ends[:, 0].max() + (_FAR if moved else _NEAR)
    for line, end, height in zip(best.lines, best.ends, best.heights, strict=True):
        _write(best.axes, line, (right - end[0], height - end[1]), leader=moved)


def _panels(drawn: Canvas, names: Sequence[str]) -> list[_Panel]:
    """Return the panels in which all names can stand."""
    scale = 72 / drawn.dpi
    grid = drawn.axes[0].get_gridspec()
    third = drawn.get_figwidth() * 72 / (grid.ncols if grid else 1) / 3
    # Written once and taken away, for only then is known how wide they are.
    measured = [drawn.text(0, 0, name) for name in names]
    widths = [text.get_window_extent().width * scale for text in measured]
    for text in measured:
        text.remove()
    if max(widths) > third:
        return []
    whole = [axes for axes in drawn.axes if _reach_one_edge(axes, names)]
    if not whole:
        return []
    drawn.draw_without_rendering()  # how high a panel is, the layout says
    found = []
    for axes in whole:
        lines = _named(axes, names)
        ends = axes.transData.transform(_ends(lines)) * scale  # (lines, 2)
        low, high = axes.bbox.y0 * scale + _INSIDE, axes.bbox.y1 * scale - _INSIDE
        if (len(lines) - 1) * _PITCH > high - low or _most_at_one_point(ends[:, 1]) > 2:
            continue
        panel = _Panel(axes, lines, ends, apart(ends[:, 1], _PITCH, low, high))
        if panel.moves.max() <= _FARTHEST:
            found.append(panel)
    return found


def _named(axes: Axes, names: Sequence[str]) -> list[Line2D]:
    return [line for line in axes.lines if str(line.get_label()) in names]


def _reach_one_edge(axes: Axes, names: Sequence[str]) -> bool:
    """Whether the panel has all lines, and they end about equally far to the right."""
    ends = _ends(_named(axes, names))
    if len(ends) != len(names):
        return False
    across = (axes.transScale + axes.transLimits).transform(ends)[:, 0]  # of the axis's length
    return bool(np.ptp(across) <= _RAGGED)  # false if a line has no end


def _most_at_one_point(heights: Array) -> int:
    """Return how many lines end at one point, at most."""
    return max(int(((heights >= low) & (heights <= low + _STROKES)).sum()) for low in heights)


def _ends(lines: Sequence[Line2D]) -> Array:
    """Return the last point of each line that is drawn, NaN if there is none; shape (lines, 2)."""
    ends = np.full((len(lines), 2), np.nan)
    for end, line in zip(ends, lines, strict=True):
        points = np.asarray(line.get_xydata(), dtype=np.float64)  # (points, 2)
        finite = points[np.isfinite(points).all(axis=1)]
        end[:] = finite[-1] if len(finite) else np.nan
    return ends


def apart(heights: Array, pitch: float, low: float, high: float) -> Array:
    """Return the heights moved as little as they must, to be a pitch apart and within the bounds.

    They keep their order, and of two that are equal the first one is the upper one. The sum of
    the squared moves is the smallest possible: neighbours that would cover each other become a
    block about the mean of where they belong.

    Examples:
        >>> apart(np.array([50.0, 52.0, 90.0]), 10, 0, 100)
        array([46., 56., 90.])
    """
    order = np.lexsort((-np.arange(len(heights)), heights))
    steps = pitch * np.arange(len(heights))
    blocks: list[list[float]] = []
    for wish in heights[order] - steps:
        blocks.append([float(wish)])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    flat = np.concatenate([[np.mean(block)] * len(block) for block in blocks])
    moved = np.empty(len(heights))
    moved[order] = np.clip(flat, low, high - steps[-1]) + steps
    return moved


def _write(axes: Axes, line: Line2D, offset: tuple[float, float], *, leader: bool) -> None:
    """Write a line's name that far from its end, with a leader in the line's dashes or without."""
    tint = str(line.get_color())
    drawn: dict[str, Any] = {
        "arrowstyle": "-",
        "color": tint,
        "linewidth": 1.2,
        "linestyle": style(COLOURS.index(tint))["linestyle"],
        "shrinkA": 1.5,
        "shrinkB": 3.0,
        "relpos": (0, 0.5),
    }
    axes.annotate(
        str(line.get_label()),
        tuple(_ends([line])[0]),
        offset,
        textcoords="offset points",
        va="center",
        color=tint,
        annotation_clip=False,
        arrowprops=drawn if leader else None,
    )
