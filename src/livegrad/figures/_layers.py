"""What happens layer by layer: signals, gradients, weights, masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import ArrayLike

from livegrad._checks import Array
from livegrad._svg import (
    COLOURS,
    FACTORS,
    WIDTH,
    Figure,
    canvas,
    colour,
    counted,
    crosses,
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
from livegrad.network import MLP
from livegrad.signals import Report


def depth(
    reports: Mapping[str, Report], *, alt: str | None = None, caption: str | None = None
) -> Figure:
    """Draw each hidden layer's two gains and, below them, their products, on log scales.

    The signal's product runs from the input up, spread(a_l) / spread(x); the gradient's from the
    output down, ||delta_l|| / ||delta_(L+1)||. A log scale has no place for 0: it is drawn as a
    cross at the lower edge, and what is not finite as a cross at the upper edge.

    Args:
        reports: label and report, of networks with hidden layers; an empty label draws no legend.
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if there are no reports, or one is of a network without hidden layers.

    Examples:
        >>> from livegrad.signals import through_depth
        >>> depth({"he": through_depth("relu", "he_normal", 8)}).alt[:46]
        'Four line plots on log scales over the hidden '
    """
    words.some(reports, "reports")
    for label, report in reports.items():
        if len(report.layers) == 1:
            raise ValueError(f"reports must be of networks with hidden layers, got {label!r}")
    gains: dict[str, tuple[Array, Array]] = {
        label: (
            np.array([s.signal_gain for s in report.layers[:-1]]),
            np.array([s.gain for s in report.layers[:-1]]),
        )
        for label, report in reports.items()
    }
    deepest = max(len(signal) for signal, _ in gains.values())
    with canvas(4.6) as drawn:
        panels = [
            ("signal: gain of each layer", {k: signal for k, (signal, _) in gains.items()}),
            ("gradient: gain of each layer", {k: gradient for k, (_, gradient) in gains.items()}),
            ("product from the input up", {k: np.cumprod(s) for k, (s, _) in gains.items()}),
            (
                "product from the output down",
                {k: np.cumprod(g[::-1])[::-1] for k, (_, g) in gains.items()},
            ),
        ]
        edges = [
            _through_layers(drawn.add_subplot(2, 2, at + 1), title, values, deepest)
            for at, (title, values) in enumerate(panels)
        ]
        for axes in drawn.axes[2:]:
            axes.set_xlabel("hidden layer")
        name_lines(drawn)
        said = "; ".join(
            f"{words.named(label)}{report.verdict}, the signal's {report.signal_gain:.2g}, with "
            f"gains from {signal.min():.2g} to {signal.max():.2g}, the gradient's "
            f"{report.gain:.2g}, with gains from {gradient.min():.2g} to {gradient.max():.2g}"
            for (label, report), (signal, gradient) in zip(
                reports.items(), gains.values(), strict=True
            )
        )
        products = "; ".join(
            f"{words.named(label)}signal {report.signal_gain:.2g}, gradient {report.gain:.2g} "
            f"({report.verdict})"
            for label, report in reports.items()
        )
        note = " Crosses at an edge: 0 (below) or not finite (above)." if any(edges) else ""
        return render(
            drawn,
            alt
            or "Four line plots on log scales over the hidden layers: the gains of signal and "
            f"gradient, and their products. Products: {said}.",
            caption
            or "What each layer does to the signal (left) and to the gradient (right), and the "
            f"products so far. Over all layers: {products}.{note}",
        )


def _through_layers(axes: Axes, title: str, values: Mapping[str, Array], deepest: int) -> bool:
    """Draw one line a label over the layers' numbers; return whether a cross was needed."""
    edges = False
    for k, (label, sizes) in enumerate(values.items()):
        numbers = np.arange(1, len(sizes) + 1)
        shown = drawable(sizes, log=True)
        axes.plot(numbers, shown, label=label, **marked(k, len(sizes)))
        missing = np.isnan(shown)
        for where, edge in [(missing & (sizes < 1), 0.0), (missing & ~(sizes < 1), 1.0)]:
            if where.any():
                edges = True
                crosses(axes, numbers[where], edge, colour(k))
    axes.set(title=title)
    log_scale(axes, "y", np.concatenate(list(values.values())))
    counted(axes, deepest)
    return edges


def weights(
    arrays: Mapping[str, ArrayLike],
    *,
    xlabel: str = "weight",
    alt: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draw the distributions of arrays as histograms over common bins.

    Args:
        arrays: label and values, of any shape; what is not finite is left out.
        xlabel: what the values are.
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if there are none, or one has no finite value.

    Examples:
        >>> weights({"coin": [-1.0, 1.0]}).alt
        'Histograms of weight: coin has 2 values from -1 to 1, standard deviation 1.'
    """
    words.some(arrays, "arrays")
    flat = {label: words.finite(a, f"arrays[{label!r}]") for label, a in arrays.items()}
    everything = np.concatenate(list(flat.values()))
    bins = _bins(everything, 60)
    with canvas() as drawn:
        axes = drawn.add_subplot()
        for k, (label, values) in enumerate(flat.items()):
            density, _ = np.histogram(values, bins=bins, density=True)
            axes.stairs(density, bins, fill=True, color=colour(k), alpha=0.12)
            axes.stairs(density, bins, label=label, linewidth=1.6, **style(k))
        axes.set(xlabel=xlabel, ylabel="density")
        legend(drawn)
        spreads = "; ".join(
            f"{words.prefix(label)}standard deviation {v.std():.3g}" for label, v in flat.items()
        )
        said = "; ".join(
            f"{words.prefix(label)}{v.size} values from {words.span(v)}, "
            f"standard deviation {v.std():.3g}"
            for label, v in flat.items()
        )
        return render(
            drawn,
            alt or f"Histograms of {xlabel}: {said}.",
            caption or f"Distribution of {xlabel}: {spreads}.",
        )


def layer_histograms(
    net: MLP,
    x: ArrayLike,
    layers: Sequence[int] | None = None,
    *,
    alt: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draw the distribution of the activations of hidden layers, one row a layer.

    Each row is scaled to its own peak: what counts is where the values lie. Values that are not
    finite are left out.

    Args:
        net: the network.
        x: inputs, shape (n, widths[0]).
        layers: numbers from 1 of the hidden layers; without, at most six, evenly chosen.
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if there is no hidden layer or a number is out of range.

    Examples:
        >>> net = MLP([2, 8, 8, 1], "tanh", rng=0)
        >>> layer_histograms(net, [[0.5, 1.0], [1.0, -2.0]]).alt[:56]
        'Histograms of the activations, one row a layer: layer 1 '

    Source:
        Glorot and Bengio 2010, fig. 6.
    """
    if layers is None:
        layers = sorted({int(k) for k in np.linspace(1, net.depth, min(net.depth, 6)).round()})
    words.some(layers, "layers")
    for layer in layers:
        if not 1 <= layer <= net.depth:
            raise ValueError(f"layers must lie from 1 to {net.depth}, got {layer!r}")
    trace = net.forward(x)
    values = {k: words.finite(trace.a[k - 1], f"the activations of layer {k}") for k in layers}
    bins = _bins(np.concatenate(list(values.values())), 60)
    with canvas(0.75 + 0.42 * len(layers)) as drawn:
        axes = drawn.add_subplot()
        for row, shown in enumerate(values.values()):
            counts, _ = np.histogram(shown, bins=bins)
            heights = row - 0.86 * counts / counts.max()
            look: dict[str, Any] = {"color": FACTORS["act"], "alpha": 0.85}
            axes.stairs(heights, bins, baseline=float(row), fill=True, **look)
            axes.axhline(row, color=FACTORS["act"], linewidth=0.8)
            spread = f"sd {words.short(float(shown.std()))}"
            axes.text(1.02, row, spread, va="bottom", transform=axes.get_yaxis_transform())
        axes.set(xlabel="activation", xlim=(bins[0], bins[-1]), ylim=(len(layers) - 0.9, -0.95))
        axes.set_yticks(range(len(layers)), [f"layer {k}" for k in layers], va="bottom")
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.spines[["left", "bottom"]].set_visible(False)
        said = "; ".join(
            f"layer {k} has mean {v.mean():.3g}, standard deviation {v.std():.3g}"
            for k, v in values.items()
        )
        return render(
            drawn,
            alt or f"Histograms of the activations, one row a layer: {said}.",
            caption
            or "Activations layer by layer, each row scaled to its own peak, with its standard "
            "deviation (sd).",
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
        ValueError: if it is not two-dimensional, or empty, or holds anything but 0 and 1.

    Examples:
        >>> dropout_masks([[1, 0, 1, 1], [0, 1, 1, 1]]).alt
        'A grid of 2 masks of 4 units; 75% of the units are kept, per mask from 75% to 75%.'
    """
    grid = np.asarray(masks, dtype=np.float64)
    if grid.ndim != 2 or grid.size == 0:
        raise ValueError(f"masks must have the shape (examples, units), got {grid.shape}")
    if not np.isin(grid, (0, 1)).all():
        raise ValueError(f"masks must hold 0 and 1 only, got {grid[~np.isin(grid, (0, 1))][0]}")
    rows, columns = grid.shape
    cell = min(0.28, (WIDTH - 0.7) / columns)  # inches
    with canvas(0.75 + cell * rows, max(2.4, 0.7 + cell * columns)) as drawn:
        axes = drawn.add_subplot()
        for value, tint, alpha in [(1, FACTORS["msk"], 1.0), (0, COLOURS[5], 0.2)]:
            squares = [square(j, i) for i, j in np.argwhere(grid == value)]
            if squares:
                path = Path.make_compound_path(*squares)
                axes.add_patch(PathPatch(path, facecolor=tint, alpha=alpha, linewidth=0))
        axes.set(xlabel="unit", ylabel="example")
        axes.set(xlim=(-0.6, columns - 0.4), ylim=(rows - 0.4, -0.6), aspect="equal")
        for axis in (axes.xaxis, axes.yaxis):
            ticks(axis, 8, whole=True)
        axes.grid(visible=False)
        kept = grid.mean(axis=1)
        return render(
            drawn,
            alt
            or f"A grid of {rows} masks of {columns} units; {grid.mean():.0%} of the units are "
            f"kept, per mask from {kept.min():.0%} to {kept.max():.0%}.",
            caption or f"One mask an example; filled units are kept, {grid.mean():.0%} of all.",
        )


def _bins(values: Array, count: int) -> Array:
    """Return edges over all values, symmetric about 0 where there are both signs."""
    low, high = float(values.min()), float(values.max())
    if low < 0 < high:
        high = max(-low, high)
        low = -high
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, count + 1)
