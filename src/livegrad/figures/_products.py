"""The two products of gains through a network, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.transforms import blended_transform_factory
from numpy.typing import ArrayLike

from livegrad._checks import Array
from livegrad._svg import (
    INK,
    Figure,
    canvas,
    colour,
    drawable,
    legend,
    log_scale,
    render,
)
from livegrad.figures import _words as words

# So many rows have a name each, in so many inches; of more, some have.
_NAMED = 40
_TALLEST = 6.6
_ROW = 0.34
_LONGEST = 18
_SERIES = ("signal, from the input on", "gradient, from the output back")


def products(
    names: Sequence[str],
    gains: ArrayLike,
    signal_gains: ArrayLike,
    marked: Mapping[str, str] | None = None,
    *,
    alt: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draw two bars a layer on a log scale: how much of signal and gradient is there.

    A layer's bar of the signal is the product of the signal's gains from the input up to it, its
    bar of the gradient the product of the gradient's gains from the output down to it. Bars start
    at 1, where nothing is lost. A gain that is not finite is passed over; a product that a log
    scale has no place for ends at the edge, with a cross.

    Args:
        names: of the layers, the first one first; a name may return.
        gains: of the gradient, shape (layers,).
        signal_gains: of the signal, shape (layers,).
        marked: a name and what is written beside its layers.
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if there are no layers, or not as many gains.

    Examples:
        >>> products(["a", "b"], [0.5, 0.1], [2.0, 3.0], {"b": "dead"}).alt.rpartition(". ")[2]
        'a: signal 2, gradient 0.05; b: signal 6, gradient 0.1 (marked: dead).'
    """
    words.some(names, "names")
    series = []
    for argument, given in (("signal_gains", signal_gains), ("gains", gains)):
        values = np.asarray(given, dtype=np.float64)
        if values.shape != (len(names),):
            raise ValueError(f"{argument} must have the shape ({len(names)},), got {values.shape}")
        series.append(np.where(np.isfinite(values), values, 1.0))
    passed = [n for n, *both in zip(names, np.ravel(gains), np.ravel(signal_gains), strict=True)
              if not np.isfinite(both).all()]  # fmt: skip
    with np.errstate(over="ignore", under="ignore"):
        sizes = [np.cumprod(series[0]), np.cumprod(series[1][::-1])[::-1]]  # (layers,) each
    marks = {at: (marked or {})[name] for at, name in enumerate(names) if name in (marked or {})}
    pitch = min(_ROW, _TALLEST / len(names))  # inches
    with canvas(1.0 + pitch * len(names)) as drawn:
        axes = drawn.add_subplot()
        log_scale(axes, "x", np.concatenate([*sizes, [1.0]]))
        edges = [_bars(axes, values, at) for at, values in enumerate(sizes)]
        axes.axvline(1.0, color=INK, linewidth=0.8)
        axes.set(xlabel="product of gains so far", ylim=(len(names) - 0.4, -0.6))
        shown = _named(len(names), marks)
        axes.set_yticks(shown, [_short(names[at]) for at in shown])
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        _written(axes, marks, pitch)
        legend(drawn)
        return render(
            drawn,
            alt or _alt(names, sizes, marks),
            caption or _caption(sizes, marks, names, passed, any(edges)),
        )


def _bars(axes: Axes, values: Array, at: int) -> bool:
    """Draw one series, the first one filled and the second one hollow; tell if one has no place."""
    low, high = axes.get_xlim()
    missing = np.isnan(drawable(values, log=True))
    ends = np.clip(np.where(values > 0, values, low), low, high)
    thick = 0.36
    look: dict[str, Any] = {"facecolor": colour(0), "linewidth": 0.8, "edgecolor": colour(0)}
    if at:
        look = {"facecolor": "none", "linewidth": 1.3, "edgecolor": colour(1)}
    if len(values) > _NAMED:  # too thin to be told apart: one outline each
        rows = np.arange(len(values))
        right = np.repeat(ends, 2)
        sides = np.column_stack([rows - 0.5, rows + 0.5]).ravel()
        corners = [(1, -0.5), *zip(right, sides, strict=True), (1, len(values) - 0.5), (1, -0.5)]
        outline = Path(corners, closed=True)
        look["alpha"] = 1.0 if at else 0.55
    else:
        places = np.arange(len(values)) - thick + at * thick
        outline = Path.make_compound_path(
            *(
                Path([(1, y), (x, y), (x, y + thick), (1, y + thick), (1, y)], closed=True)
                for y, x in zip(places, ends, strict=True)
            )
        )
    axes.add_patch(PathPatch(outline, label=_SERIES[at], **look))
    for row in np.flatnonzero(missing):
        edge = low if values[row] < 1 else high
        where = row + (at - 0.5) * thick
        axes.plot([edge], [where], "x", color=colour(at), clip_on=False)
    return bool(missing.any())


def _named(rows: int, marks: Mapping[int, str]) -> list[int]:
    """Return the rows that have their name: all, or the marked ones and some between them."""
    every = -(-rows // _NAMED)
    apart = rows / _NAMED
    shown: list[int] = []
    wanted = [*marks, 0, rows - 1, *range(0, rows, every)]
    for at in dict.fromkeys(wanted):
        if every == 1 or all(abs(at - other) >= apart for other in shown):
            shown.append(at)
    return sorted(shown)


def _written(axes: Axes, marks: Mapping[int, str], pitch: float) -> None:
    """Write beside the bars what is marked, and leave out what would stand on another one."""
    place = blended_transform_factory(axes.transAxes, axes.transData)
    last = -np.inf
    for at, text in sorted(marks.items()):
        if (at - last) * pitch >= 0.16:
            axes.text(1.02, at, f"\N{BLACK LEFT-POINTING TRIANGLE} {text}", va="center",
                      transform=place)  # fmt: skip
            last = at


def _short(name: str) -> str:
    """Return the end of a long name, which tells it from its neighbours."""
    return (
        name
        if len(name) <= _LONGEST
        else f"\N{HORIZONTAL ELLIPSIS}{name[1 - _LONGEST :].lstrip('._/')}"
    )


def _alt(names: Sequence[str], sizes: Sequence[Array], marks: Mapping[int, str]) -> str:
    said = "; ".join(
        f"{names[at]}: signal {sizes[0][at]:.2g}, gradient {sizes[1][at]:.2g}"
        + (f" (marked: {marks[at]})" if at in marks else "")
        for at in _named(len(names), marks)
    )
    some = "" if len(names) <= _NAMED else f" Some of {len(names)} layers:"
    return (
        "Horizontal bars on a log scale, two a layer: the product of the signal's gains from the "
        "input on, filled, and of the gradient's from the output back, hollow."
        f"{some} {said}."
    )


def _caption(
    sizes: Sequence[Array],
    marks: Mapping[int, str],
    names: Sequence[str],
    passed: Sequence[str],
    edges: bool,
) -> str:
    count = len(names)
    said = (
        f"Products of gains through {count} hidden layer{'s' if count > 1 else ''}: the signal's "
        f"ends at {sizes[0][-1]:.2g}, the gradient's at {sizes[1][0]:.2g}; 1 is no change."
    )
    if marks:
        named = list(dict.fromkeys(f"{names[at]} ({text})" for at, text in marks.items()))
        more = f" and {len(named) - 4} more" if len(named) > 4 else ""
        said += f" Marked: {', '.join(named[:4])}{more}."
    if passed:
        said += f" Passed over, since a gain is not finite: {words.listed(passed[:4])}."
    if edges:
        said += " Crosses at an edge: a product with no place on the scale."
    return said
