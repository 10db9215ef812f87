"""What a function does: an activation and its slope, a model's answer, the chain rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from livegrad import activations as _activations
from livegrad._checks import Array
from livegrad._svg import (
    COLOURS,
    FACTORS,
    INK,
    Figure,
    canvas,
    legend,
    render,
    style,
    ticks,
)
from livegrad.figures import _words as words
from livegrad.figures._names import name_lines
from livegrad.network import MLP


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
    words.some(names, "names")
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
                    axes.plot(*_with_gap(x, one.derivative), label=one.name, **style(k))
            axes.set(title=title, xlabel="input z", xlim=xlim)
            ticks(axes.xaxis, 6)
            ticks(axes.yaxis, 5)
        name_lines(drawn)
        said = "; ".join(
            f"{one.name} has values from {words.span(one(x))}"
            + (f" and slopes from {words.span(one.derivative(x))}" if derivative else "")
            for one in chosen
        )
        shown = "value (left) and slope (right)" if derivative else "the value"
        span = f"for inputs from {xlim[0]:g} to {xlim[1]:g}"
        return render(
            drawn,
            alt or f"Line plots of {words.listed(names)} {span}: {said}.",
            caption or f"{words.listed(names)}, {shown}, {span}.",
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
