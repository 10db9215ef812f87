"""The site's figures, drawn from what was measured; every text alternative is computed too.

Each function returns a ``Figure``: it shows itself in a notebook, and ``save`` writes the SVG.
Each takes ``alt`` and ``caption``, to be given where the page knows better words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Sized
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import ArrayLike

from livegrad import activations as _activations
from livegrad._checks import Array
from livegrad._svg import (
    COLOURS,
    FACTORS,
    INK,
    PALETTE,
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
    palette_css,
    render,
    square,
    style,
    ticks,
)
from livegrad.network import MLP
from livegrad.signals import Report

__all__ = [
    "PALETTE",
    "Figure",
    "activations",
    "bars",
    "chain_rule",
    "curves",
    "decision_boundary",
    "depth",
    "dropout_masks",
    "heatmap",
    "layer_histograms",
    "lines",
    "outcomes",
    "palette_css",
    "seeds",
    "weights",
]


def activations(
    *names: str,
    derivative: bool = True,
    xlim: tuple[float, float] = (-6.0, 6.0),
    alt: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draw activations and, beside them, their slopes; a jump of the slope is left open.

    Args:
        *names: names of elementwise activations.
        derivative: whether to draw the slopes.
        xlim: the input's range.
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if no name is given, or one is unknown, or the range is empty.

    Examples:
        >>> activations("sigmoid", "relu", xlim=(-4, 4)).caption
        'sigmoid and relu, value (left) and slope (right), for inputs from -4 to 4.'
    """
    _some(names, "names")
    if not xlim[0] < xlim[1]:
        raise ValueError(f"xlim must be (low, high) with low < high, got {xlim!r}")
    x = np.linspace(*xlim, 241)
    chosen = [_activations.get(name) for name in names]
    with canvas() as drawn:
        for at, title in enumerate(["value", "slope"][: 1 + derivative]):
            axes = drawn.add_subplot(1, 1 + derivative, at + 1)
            for k, one in enumerate(chosen):
                if title == "value":
                    axes.plot(x, one(x), label=one.name, **style(k))
                else:
                    axes.plot(*_with_gap(x, one.derivative), **style(k))
            axes.set(title=title, xlabel="input z", xlim=xlim)
            ticks(axes.xaxis, 6)
            ticks(axes.yaxis, 5)
        legend(drawn)
        said = "; ".join(
            f"{one.name} has values from {_range(one(x))}"
            + (f" and slopes from {_range(one.derivative(x))}" if derivative else "")
            for one in chosen
        )
        shown = "value (left) and slope (right)" if derivative else "the value"
        span = f"for inputs from {xlim[0]:g} to {xlim[1]:g}"
        return render(
            drawn,
            alt or f"Line plots of {_listed(names)} {span}: {said}.",
            caption or f"{_listed(names)}, {shown}, {span}.",
        )


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
    _some(reports, "reports")
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
        legend(drawn)
        said = "; ".join(
            f"{_named(label)}{report.verdict}, the signal's {report.signal_gain:.2g}, with gains "
            f"from {signal.min():.2g} to {signal.max():.2g}, the gradient's {report.gain:.2g}, "
            f"with gains from {gradient.min():.2g} to {gradient.max():.2g}"
            for (label, report), (signal, gradient) in zip(
                reports.items(), gains.values(), strict=True
            )
        )
        products = "; ".join(
            f"{_named(label)}signal {report.signal_gain:.2g}, gradient {report.gain:.2g} "
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
    _some(arrays, "arrays")
    flat = {label: _finite(a, f"arrays[{label!r}]") for label, a in arrays.items()}
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
            f"{_prefix(label)}standard deviation {v.std():.3g}" for label, v in flat.items()
        )
        said = "; ".join(
            f"{_prefix(label)}{v.size} values from {_range(v)}, standard deviation {v.std():.3g}"
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
    _some(layers, "layers")
    for layer in layers:
        if not 1 <= layer <= net.depth:
            raise ValueError(f"layers must lie from 1 to {net.depth}, got {layer!r}")
    trace = net.forward(x)
    values = {k: _finite(trace.a[k - 1], f"the activations of layer {k}") for k in layers}
    bins = _bins(np.concatenate(list(values.values())), 60)
    with canvas(0.75 + 0.42 * len(layers)) as drawn:
        axes = drawn.add_subplot()
        for row, shown in enumerate(values.values()):
            counts, _ = np.histogram(shown, bins=bins)
            heights = row - 0.86 * counts / counts.max()
            look: dict[str, Any] = {"color": FACTORS["act"], "alpha": 0.85}
            axes.stairs(heights, bins, baseline=float(row), fill=True, **look)
            axes.axhline(row, color=FACTORS["act"], linewidth=0.8)
            spread = f"sd {_short(float(shown.std()))}"
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


def decision_boundary(
    predict: Callable[[Array], ArrayLike] | MLP,
    x: ArrayLike,
    y: ArrayLike,
    *,
    alt: str | None = None,
    caption: str | None = None,
) -> Figure:
    """Draw what a binary classifier answers over the plane, with the data on top.

    Args:
        predict: the network, or a function from points (n, 2) to probabilities (n,) or (n, 1).
        x: data, shape (n, 2).
        y: labels 0 and 1, shape (n,).
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if the data, the labels or the answers do not fit.

    Examples:
        >>> right_half = lambda points: points[:, 0] > 0
        >>> decision_boundary(right_half, [[-1, 0], [1, 0]], [0, 1]).caption
        'Where the network changes its answer; 100% of the points are right.'
    """
    points, labels = np.asarray(x, dtype=np.float64), np.ravel(np.asarray(y))
    if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
        raise ValueError(f"x must have the shape (n, 2), got {points.shape}")
    if len(labels) != len(points):
        raise ValueError(f"y must have the shape ({len(points)},), got {labels.shape}")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError(f"y must hold 0 and 1 only, got {labels[~np.isin(labels, (0, 1))][0]}")
    answer = predict.predict if isinstance(predict, MLP) else predict

    def probability(at: Array) -> Array:
        p = np.asarray(answer(at), dtype=np.float64)
        if p.shape not in ((len(at),), (len(at), 1)):
            raise ValueError(f"predict must return the shape ({len(at)},), got {p.shape}")
        if (beyond := p[(p < 0) | (p > 1)]).size:
            raise ValueError(f"predict must return probabilities from 0 to 1, got {beyond[0]}")
        return np.ravel(p)

    margin = 0.08 * np.ptp(points, axis=0)  # (2,)
    margin[margin == 0] = 0.5
    low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
    across, up = np.meshgrid(np.linspace(low[0], high[0], 81), np.linspace(low[1], high[1], 81))
    grid = probability(np.column_stack([across.ravel(), up.ravel()])).reshape(across.shape)
    right = float(np.mean((probability(points) > 0.5) == (labels == 1)))
    with canvas(3.6, 4.8) as drawn:
        axes = drawn.add_subplot()
        tints = [COLOURS[1], COLOURS[0]]
        axes.contourf(across, up, grid, levels=[-1, 0.5, 2], colors=tints, alpha=0.14)
        if np.nanmin(grid) < 0.5 < np.nanmax(grid):
            axes.contour(across, up, grid, levels=[0.5], colors=[COLOURS[5]], linewidths=1.6)
        for label, marker in [(0, "^"), (1, "o")]:
            one = points[labels == label]
            name = f"class {label}"
            axes.plot(one[:, 0], one[:, 1], marker, color=tints[label], label=name)
        axes.grid(visible=False)
        axes.set(xlabel="feature 1", ylabel="feature 2")
        legend(drawn)
        share = float(np.mean(grid > 0.5))
        return render(
            drawn,
            alt
            or f"Scatter plot of {len(points)} points over the classifier's answer; "
            f"{right:.0%} are right. Class 1 is the answer on {share:.0%} of the plane.",
            caption
            or f"Where the network changes its answer; {right:.0%} of the points are right.",
        )


def chain_rule(*, alt: str | None = None, caption: str | None = None) -> Figure:
    """Draw the way forward and the way back through two hidden layers, each arrow with its factor.

    Args:
        alt: text alternative.
        caption: caption.

    Examples:
        >>> chain_rule().caption[:42]
        'Forward (above) and backward (below) throu'

    Source:
        Rumelhart, Hinton and Williams 1986.
    """
    forward = ["x", "z₁", "a₁", "z₂", "a₂", "z₃", "p"]
    above: list[tuple[str, str | None]] = [
        ("W₁", "wt"), ("φ m₁/k", "act"), ("W₂", "wt"), ("φ m₂/k", "act"), ("W₃", "wt"), ("", None)
    ]  # fmt: skip
    back = {1: "δ₁", 3: "δ₂", 5: "δ₃ = p − y"}
    came_in = {1: ("xᵀ", "W₁"), 3: ("a₁ᵀ", "W₂"), 5: ("a₂ᵀ", "W₃")}
    with canvas(2.7) as drawn:
        axes = drawn.add_subplot()
        axes.set(xlim=(-0.35, 6.35), ylim=(-2.3, 0.5))
        axes.set_axis_off()
        for at, name in enumerate(forward):
            axes.text(at, 0, name, ha="center", va="center")
        for at, (name, factor) in enumerate(above):
            _arrow(axes, (at + 0.25, 0), (at + 0.75, 0))
            _coloured(axes, at + 0.5, 0.22, [(name, factor)])
        for at, name in back.items():
            ink: Any = {"color": FACTORS["hd"]} if at == 5 else {}
            axes.text(at, -1, name, ha="center", va="center", **ink)
            factor, weight = came_in[at]
            axes.text(at, -2.05, f"∂L/∂{weight} = {factor} {name[:2]}", ha="center", va="center")
            _arrow(axes, (at, -1.2), (at, -1.85))
            _coloured(axes, at + 0.22, -1.5, [(factor, None)])
        for layer, (start, end) in {2: (4.3, 3.3), 1: (2.7, 1.3)}.items():
            _arrow(axes, (start, -1), (end, -1))
            sub = "₀₁₂₃"
            parts: list[tuple[str, str | None]] = [
                (f"W{sub[layer + 1]}ᵀ", "wt"),
                (f"φ′(z{sub[layer]})", "act"),
                (f"m{sub[layer]}/k", "msk"),
            ]
            _coloured(axes, (start + end) / 2, -0.78, parts)
        return render(
            drawn,
            alt
            or "A diagram of two hidden layers. Forward: x times W1 gives z1, the activation and "
            "the mask give a1, times W2 gives z2, then a2, times W3 gives z3, then p. Backward: "
            "delta3 is p minus y; times W3 transposed, the slope at z2 and the mask it is delta2; "
            "times W2 transposed, the slope at z1 and the mask it is delta1. The gradient of W1 is "
            "x transposed times delta1, of W2 a1 transposed times delta2, of W3 a2 transposed "
            "times delta3.",
            caption
            or "Forward (above) and backward (below) through two hidden layers. Each arrow back "
            "carries the factors by which the gradient is multiplied; W₁ is on none of them. "
            "k is the share that dropout keeps.",
        )


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    look = {"arrowstyle": "->", "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0, "color": INK}
    axes.annotate("", end, start, arrowprops=look)


def _coloured(axes: Axes, x: float, y: float, parts: Sequence[tuple[str, str | None]]) -> None:
    """Write words side by side, centred, each in its factor's colour."""
    # A letter of the usual size takes about so much of an axis of this figure.
    widths = [0.094 * len(word) + 0.07 for word, _ in parts]
    at = x - sum(widths) / 2
    for (word, factor), width in zip(parts, widths, strict=True):
        ink: Any = {"color": FACTORS[factor]} if factor else {}
        axes.text(at + width / 2, y, word, ha="center", va="center", size=11, **ink)
        at += width


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
        log: whether the measured axis is logarithmic; what is not above 0 is then left out.
        alt: text alternative.
        caption: caption.

    Raises:
        ValueError: if there is nothing to draw.

    Examples:
        >>> curves({"train": [[0.7, 0.5], [0.8, 0.3]]}).alt
        'Curves of loss over epoch: train goes from 0.75 to 0.4 (0.3 to 0.5).'
    """
    _some(series, "series")
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
            epochs = np.arange(1, values.shape[1] + 1)
            point = "o" if len(epochs) == 1 else ""
            axes.plot(epochs, shown.mean(axis=0), label=label, marker=point, **style(k))
            if len(values) > 1:
                low, high = shown.min(axis=0), shown.max(axis=0)  # (epochs,)
                axes.fill_between(epochs, low, high, color=colour(k), alpha=0.16, linewidth=0)
        axes.set(xlabel=xlabel, ylabel=ylabel)
        if log:
            log_scale(axes, "y", np.concatenate([v.ravel() for v in runs.values()]))
        counted(axes, max(v.shape[1] for v in runs.values()))
        legend(drawn)
        ends = "; ".join(
            f"{label or ylabel} ends at {v[:, -1].mean():.3g}" for label, v in runs.items()
        )
        said = "; ".join(
            f"{label or ylabel} goes from {v[:, 0].mean():.3g} to {v[:, -1].mean():.3g}"
            + (f" ({_range(v[:, -1])})" if len(v) > 1 else "")
            for label, v in runs.items()
        )
        many = max(len(values) for values in runs.values())
        note = f" Line: mean of {many} seeds; band: smallest to largest." if many > 1 else ""
        return render(
            drawn,
            alt or f"Curves of {ylabel} over {xlabel}: {said}.",
            caption or f"{_sentence(ylabel)} over {xlabel}: {ends}.{note}",
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
    _some(groups, "groups")
    values = {label: np.ravel(np.asarray(v, dtype=np.float64)) for label, v in groups.items()}
    for label, v in values.items():
        _some(v, f"groups[{label!r}]")
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
            f"{_prefix(label)}mean {v.mean():.3g}, from {_range(v)}" for label, v in values.items()
        )
        return render(
            drawn,
            alt or f"Dots of {xlabel}, one a seed: {said}.",
            caption or f"{_sentence(xlabel)}, one dot a seed, the bar is the mean: {said}.",
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
    _some(series, "series")
    across = np.ravel(np.asarray(x, dtype=np.float64))
    ys = {label: np.ravel(np.asarray(v, dtype=np.float64)) for label, v in series.items()}
    for label, v in ys.items():
        if v.shape != across.shape:
            raise ValueError(f"series[{label!r}] must have the shape {across.shape}, got {v.shape}")
    _some(across, "x")
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
        legend(drawn)
        said = "; ".join(
            f"{label or ylabel} goes from {v[0]:.3g} to {v[-1]:.3g}" for label, v in ys.items()
        )
        span = f"{xlabel} from {across[0]:.3g} to {across[-1]:.3g}"
        return render(
            drawn,
            alt or f"Line plot of {ylabel} for {span}: {said}.",
            caption or f"{_sentence(ylabel)} for {span}: {said}.",
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
    _some(across, "x")
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
            or f"A scatter plot on log scales. {said}; {xlabel} from {_range(across)}, {ylabel} "
            f"from {_range(up)}.{bounds}",
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
    finite = _finite(table, "values")
    low, high = float(finite.min()), float(finite.max())
    with canvas(0.55 + 0.36 * len(rows)) as drawn:
        axes = drawn.add_subplot()
        for (i, j), value in np.ndenumerate(table):
            if not np.isnan(value):
                tint = (min(max(value, low), high) - low) / (high - low) if high > low else 0.0
                cell = PathPatch(square(j, i, 0.97, 0.94), facecolor=COLOURS[0], linewidth=0)
                cell.set_alpha(0.06 + 0.44 * tint)
                axes.add_patch(cell)
            axes.text(j, i, _short(value), ha="center", va="center")
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
            caption or f"{_sentence(label or 'values')}: {said}.",
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
    _some(values, "values")
    sizes = {name: float(value) for name, value in values.items()}
    with canvas((0.75 if xlabel else 0.5) + 0.34 * len(sizes)) as drawn:
        axes = drawn.add_subplot()
        lengths = [size if np.isfinite(size) else 0.0 for size in sizes.values()]
        made = axes.barh(range(len(sizes)), lengths, 0.62, color=COLOURS[0], alpha=0.85)
        axes.bar_label(made, labels=[_short(size) for size in sizes.values()], padding=4)
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
            caption or f"{_sentence(xlabel or 'values')}: {said}.",
        )


# Words.


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _sentence(text: str) -> str:
    """Return the text with a capital at its start, and dL/dW left as it is."""
    return text[:1].upper() + text[1:]


def _named(label: str) -> str:
    return f"{label}: " if label else ""


def _prefix(label: str) -> str:
    return f"{label} has " if label else ""


def _range(values: Array) -> str:
    return f"{float(values.min()):.3g} to {float(values.max()):.3g}"


def _short(value: float) -> str:
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")


# Checks.


def _some(items: Sized, argument: str) -> None:
    if len(items) == 0:
        raise ValueError(f"{argument} must hold at least one entry, got none")


def _finite(values: ArrayLike, argument: str) -> Array:
    flat = np.ravel(np.asarray(values, dtype=np.float64))
    flat = flat[np.isfinite(flat)]
    if flat.size == 0:
        raise ValueError(f"{argument} must hold at least one finite value, got none")
    return flat


# Numbers.


def _bins(values: Array, count: int) -> Array:
    """Return edges over all values, symmetric about 0 where there are both signs."""
    low, high = float(values.min()), float(values.max())
    if low < 0 < high:
        high = max(-low, high)
        low = -high
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, count + 1)


def _with_gap(x: Array, slope: Callable[[Array], Array]) -> tuple[Array, Array]:
    """Return the slope's line, interrupted at 0 if it jumps there."""
    near = np.array([-1e-9, 1e-9])
    left, right = slope(near)
    if not x[0] < 0 < x[-1] or abs(right - left) < 1e-3:
        return x, slope(x)
    below, above = x[x < 0], x[x > 0]
    return (
        np.concatenate([below, near[:1], [0.0], near[1:], above]),
        np.concatenate([slope(below), [left, np.nan, right], slope(above)]),
    )
