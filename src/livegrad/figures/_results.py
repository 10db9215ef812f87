"""What experiments gave: curves over time, seeds, outcomes, tables as colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.patches import PathPatch
from numpy.typing import ArrayLike

from livegrad._svg import (
    COLOURS,
    Figure,
    canvas,
    colour,
    counted,
    drawable,
    legend,
    log_scale,
    marked,
    render,
    square,
    style,
    ticks,
)
from livegrad.figures import _words as words
from livegrad.figures._names import name_lines


def curves(
    series: Mapping[str, ArrayLike],
    *,
    xlabel: str = "epoch",
    ylabel: str = "loss",
    every: int = 1,
    log: bool = False,
    alt: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draw curves over epochs: the mean over seeds as a line, smallest to largest as a band.

    Args:
        series: label and values, shape (epochs,) or (seeds, epochs).
        xlabel: what is counted.
        ylabel: what is measured.
        every: how many epochs lie between two values, and before the first.
        log: whether the measured axis is logarithmic; what is not above 0 is then left out.
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if there is nothing to draw.

    Examples:
        >>> curves({"train": [[0.7, 0.5], [0.8, 0.3]]}).alt
        'Curves of loss over epoch: train goes from 0.75 to 0.4 (0.3 to 0.5).'
    """
    words.some(series, "series")
    runs = {label: np.atleast_2d(np.asarray(v, dtype=np.float64)) for label, v in series.items()}
    for label, values in runs.items():
        if values.ndim != 2 or values.size == 0:
            raise ValueError(
                f"series[{label!r}] must have the shape (epochs,) or (seeds, epochs), "
                f"got {np.shape(series[label])}"
            )
    with canvas() as drawn:
        axes = drawn.add_subplot()
        for k, (label, values) in enumerate(runs.items()):
            shown = drawable(values, log=log)  # (seeds, epochs)
            epochs = every * np.arange(1, values.shape[1] + 1)
            point = "o" if len(epochs) == 1 else ""
            axes.plot(epochs, shown.mean(axis=0), label=label, marker=point, **style(k))
            if len(values) > 1:
                low, high = shown.min(axis=0), shown.max(axis=0)  # (epochs,)
                axes.fill_between(epochs, low, high, color=colour(k), alpha=0.16, linewidth=0)
        axes.set(xlabel=xlabel, ylabel=ylabel)
        if log:
            log_scale(axes, "y", np.concatenate([v.ravel() for v in runs.values()]))
        counted(axes, every * max(v.shape[1] for v in runs.values()))
        name_lines(drawn)
        ends = "; ".join(
            f"{label or ylabel} ends at {v[:, -1].mean():.3g}" for label, v in runs.items()
        )
        said = "; ".join(
            f"{label or ylabel} goes from {v[:, 0].mean():.3g} to {v[:, -1].mean():.3g}"
            + (f" ({words.span(v[:, -1])})" if len(v) > 1 else "")
            for label, v in runs.items()
        )
        many = max(len(values) for values in runs.values())
        note = f" Line: mean of {many} seeds; band: smallest to largest." if many > 1 else ""
        return render(
            drawn,
            alt or f"Curves of {ylabel} over {xlabel}: {said}.",
            caption or f"{words.sentence(ylabel)} over {xlabel}: {ends}.{note}",
        )


def seeds(
    groups: Mapping[str, ArrayLike],
    *,
    xlabel: str = "accuracy",
    alt: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draw one dot a seed for each group, a line over their range and a bar at the mean.

    Args:
        groups: label and values, shape (seeds,).
        xlabel: what is measured.
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if there is nothing to draw.

    Examples:
        >>> seeds({"relu": [0.9, 0.94]}).alt
        'Dots of accuracy, one a seed: relu has mean 0.92, from 0.9 to 0.94.'
    """
    words.some(groups, "groups")
    values = {label: np.ravel(np.asarray(v, dtype=np.float64)) for label, v in groups.items()}
    for label, v in values.items():
        words.some(v, f"groups[{label!r}]")
    with canvas(0.75 + 0.36 * len(values)) as drawn:
        axes = drawn.add_subplot()
        for k, v in enumerate(values.values()):
            shown = v[np.isfinite(v)]
            if shown.size == 0:
                continue
            axes.plot([shown.min(), shown.max()], [k, k], color=COLOURS[0], linewidth=1.2)
            # Dots that lie on each other are darker; the edge is for one that lies alone.
            dot: dict[str, Any] = {
                "markersize": 7,
                "markeredgewidth": 0.8,
                "markeredgecolor": COLOURS[0],
                "markerfacecolor": (COLOURS[0], 0.55),
            }
            axes.plot(shown, np.full(shown.size, k), "o", **dot)
            axes.plot([shown.mean()] * 2, [k - 0.3, k + 0.3], color=COLOURS[1], linewidth=2.6)
        axes.set(xlabel=xlabel, ylim=(len(values) - 0.5, -0.5))
        axes.set_yticks(range(len(values)), list(values))
        axes.tick_params(axis="y", length=0)
        ticks(axes.xaxis, 6)
        axes.spines["left"].set_visible(False)
        said = "; ".join(
            f"{words.prefix(label)}mean {v.mean():.3g}, from {words.span(v)}"
            for label, v in values.items()
        )
        return render(
            drawn,
            alt or f"Dots of {xlabel}, one a seed: {said}.",
            caption or f"{words.sentence(xlabel)}, one dot a seed, the bar is the mean: {said}.",
        )


def lines(
    x: ArrayLike,
    series: Mapping[str, ArrayLike],
    *,
    xlabel: str,
    ylabel: str,
    logx: bool = False,
    logy: bool = False,
    alt: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draw lines over one axis.

    Args:
        x: shape (points,).
        series: label and values, shape (points,).
        xlabel: name of the axis.
        ylabel: what is measured.
        logx: whether x is logarithmic; what is not above 0 is then left out.
        logy: whether y is logarithmic, likewise.
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if there is nothing to draw or the lengths differ.

    Examples:
        >>> lines([1, 2], {"relu": [0.5, 0.25]}, xlabel="layer", ylabel="norm of dL/dW").caption
        'Norm of dL/dW for layer from 1 to 2: relu goes from 0.5 to 0.25.'
    """
    words.some(series, "series")
    across = np.ravel(np.asarray(x, dtype=np.float64))
    ys = {label: np.ravel(np.asarray(v, dtype=np.float64)) for label, v in series.items()}
    for label, v in ys.items():
        if v.shape != across.shape:
            raise ValueError(f"series[{label!r}] must have the shape {across.shape}, got {v.shape}")
    words.some(across, "x")
    with canvas(2.9) as drawn:
        axes = drawn.add_subplot()
        for k, (label, v) in enumerate(ys.items()):
            look = marked(k, across.size) if across.size <= 25 else style(k)
            axes.plot(drawable(across, log=logx), drawable(v, log=logy), label=label, **look)
        axes.set(xlabel=xlabel, ylabel=ylabel)
        if logx:
            log_scale(axes, "x", across)
        if logy:
            log_scale(axes, "y", np.concatenate(list(ys.values())))
        name_lines(drawn)
        said = "; ".join(
            f"{label or ylabel} goes from {v[0]:.3g} to {v[-1]:.3g}" for label, v in ys.items()
        )
        span = f"{xlabel} from {across[0]:.3g} to {across[-1]:.3g}"
        return render(
            drawn,
            alt or f"Line plot of {ylabel} for {span}: {said}.",
            caption or f"{words.sentence(ylabel)} for {span}: {said}.",
        )


def outcomes(
    x: ArrayLike,
    y: ArrayLike,
    well: ArrayLike,
    *,
    xlabel: str,
    ylabel: str,
    box: tuple[tuple[float, float], tuple[float, float]] | None = None,
    names: tuple[str, str] = ("trained", "did not train"),
    alt: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draw what went well as dots and what did not as crosses, over two positive quantities.

    Args:
        x: one positive number a case.
        y: the other.
        well: whether the case went well.
        xlabel: what x is.
        ylabel: what y is.
        box: bounds of x and of y that are shaded.
        names: what a dot and a cross mean.
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if there are no cases, not as many of each, or one is not positive and finite.

    Examples:
        >>> outcomes([0.01, 1.0], [0.02, 1.0], [False, True], xlabel="a", ylabel="b").caption
        'a and b of 2 cases: 1 trained (dots), 1 did not train (crosses).'
    """
    across, up = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    good = np.asarray(well, dtype=bool)
    words.some(across, "x")
    if not across.shape == up.shape == good.shape or across.ndim != 1:
        shapes = f"{across.shape}, {up.shape} and {good.shape}"
        raise ValueError(f"x, y and well must have one number a case, got shapes {shapes}")
    if not (np.isfinite([across, up]).all() and min(across.min(), up.min()) > 0):
        raise ValueError("x and y must be positive and finite")
    with canvas(3.4) as drawn:
        axes = drawn.add_subplot()
        log_scale(axes, "x", across)
        log_scale(axes, "y", up)
        if box is not None:
            (left, right), (low, high) = box
            axes.fill_between([left, right], low, high, color=COLOURS[5], alpha=0.15, linewidth=0)
        for rows, name, marker, tint in [
            (good, names[0], "o", colour(2)),
            (~good, names[1], "x", colour(1)),
        ]:
            axes.plot(across[rows], up[rows], marker, color=tint, label=name)
        axes.set(xlabel=xlabel, ylabel=ylabel)
        legend(drawn)
        count = f"{good.sum()} {names[0]} (dots), {(~good).sum()} {names[1]} (crosses)"
        said = f"{xlabel} and {ylabel} of {len(good)} cases: {count}"
        bounds = ""
        if box is not None:
            inside = (left <= across) & (across <= right) & (low <= up) & (up <= high)
            bounds = (
                f" In the shaded box, from {left:.2g} to {right:.2g} across and from {low:.2g} to "
                f"{high:.2g} up, {good[inside].sum()} of {inside.sum()} {names[0]}; outside of it "
                f"{good[~inside].sum()} of {(~inside).sum()}."
            )
        return render(
            drawn,
            alt
            or f"A scatter plot on log scales. {said}; {xlabel} from {words.span(across)}, "
            f"{ylabel} from {words.span(up)}.{bounds}",
            caption or f"{said}.{bounds}",
        )


def heatmap(
    values: ArrayLike,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    label: str = "",
    alt: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draw a table of numbers whose cells are tinted by size.

    Args:
        values: shape (rows, columns); a cell that is NaN stays without tint.
        rows: their names.
        columns: their names.
        label: what is measured.
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if the shapes differ, or there is no finite value.

    Examples:
        >>> heatmap([[0.5, 0.9]], ["relu"], ["glorot", "he"], label="accuracy").caption
        'Accuracy: largest 0.9 at relu, he; smallest 0.5 at relu, glorot.'
    """
    table = np.asarray(values, dtype=np.float64)
    if table.shape != (len(rows), len(columns)) or table.size == 0:
        expected = (len(rows), len(columns))
        raise ValueError(f"values must have the shape {expected} and an entry, got {table.shape}")
    finite = words.finite(table, "values")
    low, high = float(finite.min()), float(finite.max())
    with canvas(0.55 + 0.36 * len(rows)) as drawn:
        axes = drawn.add_subplot()
        for (i, j), value in np.ndenumerate(table):
            if not np.isnan(value):
                tint = (min(max(value, low), high) - low) / (high - low) if high > low else 0.0
                cell = PathPatch(square(j, i, 0.97, 0.94), facecolor=COLOURS[0], linewidth=0)
                cell.set_alpha(0.06 + 0.44 * tint)
                axes.add_patch(cell)
            axes.text(j, i, words.short(value), ha="center", va="center")
        axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
        narrow = len(columns) > 3
        named = ["_\n".join(name.rsplit("_", 1)) if narrow else name for name in columns]
        axes.set_xticks(range(len(columns)), named, linespacing=0.95)
        axes.set_yticks(range(len(rows)), list(rows))
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        best = divmod(int(np.flatnonzero(table == high)[0]), len(columns))
        worst = divmod(int(np.flatnonzero(table == low)[0]), len(columns))
        said = (
            f"largest {high:.3g} at {rows[best[0]]}, {columns[best[1]]}; "
            f"smallest {low:.3g} at {rows[worst[0]]}, {columns[worst[1]]}"
        )
        size = f"{len(rows)} rows and {len(columns)} columns"
        return render(
            drawn,
            alt or f"Table of {label or 'values'} with {size}: {said}.",
            caption or f"{words.sentence(label or 'values')}: {said}.",
        )


def bars(
    values: Mapping[str, float],
    *,
    xlabel: str = "",
    alt: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draw one horizontal bar a value, with its number; what is not finite has the number alone.

    Args:
        values: label and value.
        xlabel: what is measured.
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if there are none.

    Examples:
        >>> bars({"sigmoid": 0.25, "tanh": 1.0}, xlabel="largest slope").caption
        'Largest slope: sigmoid 0.25; tanh 1.'
    """
    words.some(values, "values")
    sizes = {name: float(value) for name, value in values.items()}
    with canvas((0.75 if xlabel else 0.5) + 0.34 * len(sizes)) as drawn:
        axes = drawn.add_subplot()
        lengths = [size if np.isfinite(size) else 0.0 for size in sizes.values()]
        made = axes.barh(range(len(sizes)), lengths, 0.62, color=COLOURS[0], alpha=0.85)
        axes.bar_label(made, labels=[words.short(size) for size in sizes.values()], padding=4)
        axes.set(xlabel=xlabel, ylim=(len(sizes) - 0.4, -0.6))
        axes.set_yticks(range(len(sizes)), list(sizes))
        axes.tick_params(axis="y", length=0)
        axes.margins(x=0.14)
        ticks(axes.xaxis, 6)
        axes.grid(visible=False, axis="y")
        said = "; ".join(f"{name} {size:.3g}" for name, size in sizes.items())
        return render(
            drawn,
            alt or f"Bars of {xlabel or 'values'}: {said}.",
            caption or f"{words.sentence(xlabel or 'values')}: {said}.",
        )
