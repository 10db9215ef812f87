"""The site's figures, drawn from what was measured; every text alternative is computed too.

Each function returns a ``Figure``: it shows itself in a notebook, and ``save`` writes the SVG.
``alt`` and ``caption`` may be given where the page knows better words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from livegrad import activations as _activations
from livegrad._svg import COLOURS, DASHES, MARKERS, PALETTE, Figure, canvas, palette_css, render
from livegrad.network import MLP
from livegrad.signals import Report

__all__ = [
    "PALETTE",
    "Figure",
    "activations",
    "bars",
    "curves",
    "decision_boundary",
    "depth",
    "dropout_masks",
    "heatmap",
    "layer_histograms",
    "lines",
    "palette_css",
    "seeds",
    "weights",
]

Array = NDArray[Any]


def _some(items: Any, argument: str) -> None:
    if len(items) == 0:
        raise ValueError(f"{argument} must hold at least one entry, got none")


def _style(at: int) -> dict[str, Any]:
    return {"color": COLOURS[at % len(COLOURS)], "linestyle": DASHES[at % len(DASHES)]}


def _listed(names: Sequence[str]) -> str:
    named = [name for name in names if name]
    return " and ".join([", ".join(named[:-1]), named[-1]]) if len(named) > 1 else "".join(named)


def _legend(axes: Axes, count: int) -> None:
    if count > 1 or axes.get_legend_handles_labels()[1] not in ([], [""]):
        axes.legend(handlelength=2.6, labelspacing=0.35)


def activations(
    *names: str,
    derivative: bool = True,
    xlim: tuple[float, float] = (-6.0, 6.0),
    alt: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draw activations and, beside them, their slopes.

    Args:
        *names: names of elementwise activations.
        derivative: whether to draw the slopes.
        xlim: the input's range.
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if no name is given or one is unknown.
    """
    _some(names, "names")
    x = np.linspace(*xlim, 241)
    chosen = [_activations.get(name) for name in names]
    panels = [("value", [a(x) for a in chosen])]
    if derivative:
        panels.append(("slope", [a.derivative(x) for a in chosen]))
    with canvas() as drawn:
        for at, (title, ys) in enumerate(panels):
            axes = drawn.add_subplot(1, len(panels), at + 1)
            for k, (name, y) in enumerate(zip(names, ys, strict=True)):
                axes.plot(x, y, label=name, **_style(k))
            axes.set(title=title, xlabel="input z", xlim=xlim)
        _legend(drawn.axes[0], 2)
        slopes = "; ".join(
            f"{a.name} has its largest slope, {float(np.max(a.derivative(x))):.3g}, "
            f"and its smallest, {float(np.min(a.derivative(x))):.3g}"
            for a in chosen
        )
        shown = "value (left) and slope (right)" if derivative else "the value"
        span = f"for inputs from {xlim[0]:g} to {xlim[1]:g}"
        return render(
            drawn,
            alt or f"Line plots of {_listed(names)} {span}: {slopes}.",
            caption or f"{_listed(names)}, {shown}, {span}.",
        )


def depth(
    reports: Mapping[str, Report], *, alt: str | None = None, caption: str | None = None
) -> Figure:
    """Draw the signal's spread and the weight gradient's norm layer by layer, on log scales.

    A layer whose value is 0 or not finite is left out of its line.

    Args:
        reports: label and report; an empty label draws no legend.
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if there are no reports.
    """
    _some(reports, "reports")
    with canvas() as drawn:
        for at, (title, field) in enumerate(
            [("spread of the signal", "spread"), ("norm of the gradient dL/dW", "gradient_norm")]
        ):
            axes = drawn.add_subplot(1, 2, at + 1)
            for k, (label, report) in enumerate(reports.items()):
                layers = [s for s in report.layers if s.name != "output"] or list(report.layers)
                values = np.array([getattr(s, field) for s in layers])
                shown = np.isfinite(values) & (values > 0)
                numbers = np.array([s.layer for s in layers])
                axes.plot(
                    numbers[shown],
                    values[shown],
                    marker=MARKERS[k % len(MARKERS)],
                    label=label,
                    **_style(k),
                )
            axes.set(title=title, xlabel="hidden layer", yscale="log")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        if any(reports):
            drawn.legend(
                *drawn.axes[0].get_legend_handles_labels(),
                loc="outside lower center",
                ncols=min(len(reports), 3),
                handlelength=2.6,
            )
        said = "; ".join(
            f"{label or 'the network'}: product of gains {report.gain:.2g}, {report.verdict}"
            for label, report in reports.items()
        )
        return render(
            drawn,
            alt or f"Two line plots on log scales over the hidden layers. {said}.",
            caption or f"What is left of the signal, and the gradient each layer gets. {said}.",
        )


def weights(
    arrays: Mapping[str, ArrayLike],
    *,
    xlabel: str = "weight",
    alt: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draw the distributions of arrays as outlined histograms.

    Raises:
        ValueError: if there are none, or one is empty.
    """
    _some(arrays, "arrays")
    flat = {label: np.ravel(np.asarray(a, dtype=np.float64)) for label, a in arrays.items()}
    for label, values in flat.items():
        if values.size == 0:
            raise ValueError(f"arrays[{label!r}] must hold at least one value, got none")
    edge = max(float(np.max(np.abs(values))) for values in flat.values()) or 1.0
    bins = np.linspace(-edge, edge, 61)
    with canvas() as drawn:
        axes = drawn.add_subplot()
        for k, (label, values) in enumerate(flat.items()):
            density, _ = np.histogram(values, bins=bins, density=True)
            axes.stairs(density, bins, label=label, linewidth=1.8, **_style(k))
        axes.set(xlabel=xlabel, ylabel="density")
        _legend(axes, len(flat))
        said = "; ".join(f"{label}: standard deviation {v.std():.3g}" for label, v in flat.items())
        return render(drawn, alt or f"Histograms. {said}.", caption or f"Distributions. {said}.")


def layer_histograms(
    net: MLP,
    x: ArrayLike,
    layers: Sequence[int] | None = None,
    *,
    alt: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draw the distribution of the activations of hidden layers, one panel a layer.

    Args:
        net: the network.
        x: inputs, shape (n, widths[0]).
        layers: numbers from 1 of at most six hidden layers; without, evenly chosen ones.
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if there is no hidden layer or a number is out of range.

    Source:
        The plot is that of Glorot and Bengio 2010, fig. 6.
    """
    if layers is None:
        layers = sorted({int(k) for k in np.linspace(1, net.depth, min(net.depth, 5)).round()})
    _some(layers, "layers")
    for layer in layers:
        if not 1 <= layer <= net.depth:
            raise ValueError(f"layers must lie from 1 to {net.depth}, got {layer}")
    signals = net.forward(x).a
    low = min(float(signals[k - 1].min()) for k in layers)
    high = max(float(signals[k - 1].max()) for k in layers)
    bins = np.linspace(low, high if high > low else low + 1, 41)
    with canvas(height=2.6) as drawn:
        for at, layer in enumerate(layers):
            axes = drawn.add_subplot(1, len(layers), at + 1)
            counts, _ = np.histogram(signals[layer - 1], bins=bins)
            axes.stairs(counts / counts.sum(), bins, fill=True, color=COLOURS[0], alpha=0.85)
            axes.set(title=f"layer {layer}")
            axes.xaxis.set_major_locator(MaxNLocator(nbins=3))
            axes.yaxis.set_major_locator(MaxNLocator(nbins=3))
            axes.tick_params(labelsize=9)
        drawn.supxlabel("activation", fontsize=11)
        said = "; ".join(
            f"layer {k}: mean {signals[k - 1].mean():.2g}, "
            f"standard deviation {signals[k - 1].std():.2g}"
            for k in layers
        )
        return render(
            drawn,
            alt or f"Histograms of the activations layer by layer. {said}.",
            caption or f"Activations layer by layer. {said}.",
        )


def dropout_masks(
    masks: ArrayLike, *, alt: str | None = None, caption: str | None = None
) -> Figure:
    """Draw dropout masks: one row an example, a filled square for a unit that is kept.

    Args:
        masks: zeros and ones, shape (examples, units).
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if it is not two-dimensional or empty.
    """
    grid = np.asarray(masks, dtype=np.float64)
    if grid.ndim != 2 or grid.size == 0:
        raise ValueError(f"masks must have the shape (examples, units), got {grid.shape}")
    rows, columns = grid.shape
    with canvas(height=max(1.6, min(4.5, 0.9 + 7 * rows / columns * 0.9))) as drawn:
        axes = drawn.add_subplot()
        for value, colour, alpha in [(1, COLOURS[2], 1.0), (0, COLOURS[5], 0.18)]:
            at = np.argwhere(grid == value)
            axes.bar(
                at[:, 1],
                np.full(len(at), 0.8),
                0.8,
                bottom=at[:, 0] - 0.4,
                color=colour,
                alpha=alpha,
            )
        axes.set(
            xlabel="unit", ylabel="example", xlim=(-0.6, columns - 0.4), ylim=(rows - 0.4, -0.6)
        )
        axes.set_aspect("equal")
        axes.grid(visible=False)
        kept = grid.mean()
        return render(
            drawn,
            alt or f"A grid of {rows} masks of {columns} units; {kept:.0%} of the units are kept.",
            caption or f"One mask an example; filled units are kept, {kept:.0%} of all.",
        )


def decision_boundary(
    predict: Callable[[Array], Array] | MLP,
    x: ArrayLike,
    y: ArrayLike,
    *,
    alt: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draw what a binary classifier answers over the plane, with the data on top.

    Args:
        predict: the network, or a function from points (n, 2) to probabilities.
        x: data, shape (n, 2).
        y: labels 0 and 1, shape (n,).
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if the data are not two-dimensional or empty.
    """
    points, labels = np.asarray(x, dtype=np.float64), np.ravel(np.asarray(y))
    if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
        raise ValueError(f"x must have the shape (n, 2), got {points.shape}")
    if len(labels) != len(points):
        raise ValueError(f"y must have the shape ({len(points)},), got {labels.shape}")
    answer = predict.predict if isinstance(predict, MLP) else predict
    low, high = points.min(axis=0) - 0.4, points.max(axis=0) + 0.4
    across, up = np.meshgrid(np.linspace(low[0], high[0], 90), np.linspace(low[1], high[1], 90))
    grid = np.ravel(answer(np.column_stack([across.ravel(), up.ravel()]))).reshape(across.shape)
    right = float(np.mean((np.ravel(answer(points)) > 0.5) == (labels > 0.5)))
    with canvas(5.4, 4.0) as drawn:
        axes = drawn.add_subplot()
        axes.contourf(
            across, up, grid, levels=[-1, 0.5, 2], colors=[COLOURS[1], COLOURS[0]], alpha=0.16
        )
        axes.contour(across, up, grid, levels=[0.5], colors=[COLOURS[5]], linewidths=1.6)
        for label, marker in [(0, "^"), (1, "o")]:
            chosen = points[labels == label]
            axes.plot(
                chosen[:, 0],
                chosen[:, 1],
                marker,
                color=COLOURS[1 - label],
                markersize=4,
                label=f"class {label}",
            )
        axes.grid(visible=False)
        axes.set(xlabel="feature 1", ylabel="feature 2")
        axes.legend()
        return render(
            drawn,
            alt
            or f"Scatter plot of two classes with the line that parts them; {right:.0%} are right.",
            caption
            or f"Where the network changes its answer; {right:.0%} of the points are right.",
        )


def curves(
    series: Mapping[str, ArrayLike],
    *,
    xlabel: str = "epoch",
    ylabel: str = "loss",
    log: bool = False,
    alt: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draw curves over epochs: the mean over seeds as a line, smallest to largest as a band.

    Args:
        series: label and values, shape (epochs,) or (seeds, epochs).
        xlabel: what is counted.
        ylabel: what is measured.
        log: whether the measured axis is logarithmic.
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if there is nothing to draw.
    """
    _some(series, "series")
    runs = {label: np.atleast_2d(np.asarray(v, dtype=np.float64)) for label, v in series.items()}
    with canvas() as drawn:
        axes = drawn.add_subplot()
        for k, (label, values) in enumerate(runs.items()):
            _some(values[0], f"series[{label!r}]")
            epochs = np.arange(1, values.shape[1] + 1)
            axes.plot(epochs, values.mean(axis=0), label=label, **_style(k))
            if len(values) > 1:
                axes.fill_between(
                    epochs,
                    values.min(axis=0),
                    values.max(axis=0),
                    color=COLOURS[k % len(COLOURS)],
                    alpha=0.18,
                    linewidth=0,
                )
        axes.set(xlabel=xlabel, ylabel=ylabel)
        if log:
            axes.set_yscale("log")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        _legend(axes, len(runs))
        said = "; ".join(f"{label} ends at {v[:, -1].mean():.3g}" for label, v in runs.items())
        many = max(len(values) for values in runs.values())
        band = f" Line: mean of {many} seeds; band: smallest to largest." if many > 1 else ""
        return render(
            drawn,
            alt or f"Curves of {ylabel} over {xlabel}. {said}.",
            caption or f"{ylabel.capitalize()} over {xlabel}: {said}.{band}",
        )


def seeds(
    groups: Mapping[str, ArrayLike],
    *,
    xlabel: str = "accuracy",
    alt: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draw one dot a seed for each group, and a bar at the mean.

    Args:
        groups: label and values, shape (seeds,).
        xlabel: what is measured.
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if there is nothing to draw.
    """
    _some(groups, "groups")
    values = {label: np.ravel(np.asarray(v, dtype=np.float64)) for label, v in groups.items()}
    with canvas(height=0.9 + 0.42 * len(values)) as drawn:
        axes = drawn.add_subplot()
        for k, (label, v) in enumerate(values.items()):
            _some(v, f"groups[{label!r}]")
            axes.plot(v, np.full(v.size, k), "o", color=COLOURS[0], alpha=0.6, markersize=6)
            axes.plot([v.mean()] * 2, [k - 0.28, k + 0.28], color=COLOURS[1], linewidth=2.4)
        axes.set(xlabel=xlabel, ylim=(len(values) - 0.5, -0.5))
        axes.set_yticks(range(len(values)), list(values))
        said = "; ".join(
            f"{label}: mean {v.mean():.3g}, from {v.min():.3g} to {v.max():.3g}"
            for label, v in values.items()
        )
        return render(
            drawn,
            alt or f"Dots of {xlabel}, one a seed. {said}.",
            caption or f"{xlabel.capitalize()}, one dot a seed, the bar is the mean. {said}.",
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
        logx: whether x is logarithmic.
        logy: whether y is logarithmic.
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if there is nothing to draw or the lengths differ.
    """
    _some(series, "series")
    across = np.ravel(np.asarray(x, dtype=np.float64))
    ys = {label: np.ravel(np.asarray(v, dtype=np.float64)) for label, v in series.items()}
    for label, v in ys.items():
        if v.shape != across.shape:
            raise ValueError(f"series[{label!r}] must have the shape {across.shape}, got {v.shape}")
    _some(across, "x")
    with canvas() as drawn:
        axes = drawn.add_subplot()
        for k, (label, v) in enumerate(ys.items()):
            marker = MARKERS[k % len(MARKERS)] if across.size <= 25 else ""
            axes.plot(across, v, marker=marker, label=label, **_style(k))
        axes.set(xlabel=xlabel, ylabel=ylabel)
        if logx:
            axes.set_xscale("log")
        if logy:
            axes.set_yscale("log")
        _legend(axes, len(ys))
        said = "; ".join(
            f"{label or ylabel} goes from {v[0]:.3g} to {v[-1]:.3g}" for label, v in ys.items()
        )
        span = f"{xlabel} from {across[0]:.3g} to {across[-1]:.3g}"
        return render(
            drawn,
            alt or f"Line plot of {ylabel} for {span}: {said}.",
            caption or f"{ylabel.capitalize()} for {span}: {said}.",
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
        values: shape (rows, columns).
        rows: their names.
        columns: their names.
        label: what is measured.
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if the shapes differ or there is nothing to draw.
    """
    table = np.asarray(values, dtype=np.float64)
    if table.shape != (len(rows), len(columns)) or table.size == 0:
        raise ValueError(
            f"values must have the shape {(len(rows), len(columns))}, got {table.shape}"
        )
    low, high = float(np.nanmin(table)), float(np.nanmax(table))
    tints = (table - low) / (high - low) if high > low else np.zeros_like(table)
    with canvas(height=1.2 + 0.42 * len(rows)) as drawn:
        axes = drawn.add_subplot()
        for (i, j), value in np.ndenumerate(table):
            axes.bar(
                j,
                0.94,
                0.96,
                bottom=i - 0.47,
                color=COLOURS[0],
                alpha=0.06 + 0.44 * float(tints[i, j]),
            )
            axes.text(j, i, f"{value:.3g}", ha="center", va="center", fontsize=11)
        axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
        axes.set_xticks(range(len(columns)), list(columns), fontsize=10)
        axes.set_yticks(range(len(rows)), list(rows))
        axes.tick_params(length=0)
        axes.grid(visible=False)
        for spine in axes.spines.values():
            spine.set_visible(False)
        best = divmod(int(np.nanargmax(table)), len(columns))
        worst = divmod(int(np.nanargmin(table)), len(columns))
        said = (
            f"largest {high:.3g} at {rows[best[0]]}, {columns[best[1]]}; "
            f"smallest {low:.3g} at {rows[worst[0]]}, {columns[worst[1]]}"
        )
        return render(
            drawn,
            alt or f"Table of {label or 'values'}: {said}.",
            caption or f"{(label or 'values').capitalize()}: {said}.",
        )


def bars(
    values: Mapping[str, float],
    *,
    xlabel: str = "",
    alt: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draw one horizontal bar a value, with its number.

    Raises:
        ValueError: if there are none.
    """
    _some(values, "values")
    names, sizes = list(values), [float(v) for v in values.values()]
    with canvas(height=0.9 + 0.4 * len(names)) as drawn:
        axes = drawn.add_subplot()
        drawn_bars = axes.barh(range(len(names)), sizes, 0.62, color=COLOURS[0], alpha=0.85)
        axes.bar_label(drawn_bars, labels=[f"{size:.3g}" for size in sizes], padding=4, fontsize=11)
        axes.set(xlabel=xlabel, ylim=(len(names) - 0.4, -0.6))
        axes.set_yticks(range(len(names)), names)
        axes.margins(x=0.12)
        axes.grid(visible=False, axis="y")
        said = "; ".join(f"{name} {size:.3g}" for name, size in zip(names, sizes, strict=True))
        return render(
            drawn,
            alt or f"Bars of {xlabel or 'values'}: {said}.",
            caption or f"{(xlabel or 'values').capitalize()}: {said}.",
        )
