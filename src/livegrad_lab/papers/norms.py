"""Normalisation in numbers: what it does not see, and what it does to gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from livegrad._checks import Array
from livegrad.blocks import (
    Activate,
    BatchNorm,
    Block,
    Dense,
    LayerNorm,
    Residual,
    RMSNorm,
    Sequential,
)

__all__ = [
    "AS_PRINTED",
    "CHANGES",
    "agreeing",
    "depth_factor",
    "gradient_bound_met",
    "growth",
    "invariant",
    "last_gradient",
    "mean_squares",
    "weight_gradient_factor",
]

CHANGES = (
    "weights times 3",
    "the same added to all weight vectors",
    "one weight vector times 3",
    "inputs times 3",
    "the same added to all inputs",
    "one input times 3",
)
"""What is changed, in the order of the papers' columns."""

AS_PRINTED: Mapping[str, str] = {
    "batch": "yes no yes yes yes no",
    "weight": "yes no yes no no no",
    "layer": "yes yes no yes no yes",
    "rms": "yes no no yes no yes",
}
"""By normalisation, whether the papers call it invariant to each change.

Source:
    Ba et al. 2016, table 1; Zhang and Sennrich 2019, table 1, which has the last row too.
"""


def _weight_norm(x: Array, weights: Array) -> Array:
    return np.asarray(x @ weights / np.linalg.norm(weights, axis=0))


def _behind(block: Callable[..., Block], epsilon: float) -> Callable[[Array, Array], Array]:
    def value(x: Array, weights: Array) -> Array:
        norm = block(weights.shape[1], epsilon=epsilon)
        return norm.forward(x @ weights, training=True)

    return value


def invariant(name: str, epsilon: float = 0.0, size: float = 1.0) -> list[bool]:
    """Return whether a normalised layer gives the same after each of ``CHANGES``.

    Args:
        name: one of ``AS_PRINTED``.
        epsilon: what batch, layer and RMS normalisation add to the variance.
        size: of the weights.
    """
    layers = {"batch": BatchNorm, "layer": LayerNorm, "rms": RMSNorm}
    value = _weight_norm if name == "weight" else _behind(layers[name], epsilon)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20, 8))  # (examples, inputs)
    weights = size * rng.standard_normal((8, 6)) / math.sqrt(8)  # (inputs, units)
    first = np.arange(6) == 0  # (units,)
    one = np.arange(20)[:, None] == 0  # (examples, 1)
    shift = rng.standard_normal(8)  # (inputs,)
    changed = [
        (x, 3 * weights),
        (x, weights + size * shift[:, None]),
        (x, np.where(first, 3 * weights, weights)),
        (3 * x, weights),
        (x + shift, weights),
        (np.where(one, 3 * x, x), weights),
    ]
    before = value(x, weights)
    return [bool(np.allclose(before, value(*pair), atol=1e-6)) for pair in changed]


def agreeing(*names: str) -> int:
    """Return how many entries of the printed rows of these normalisations come out."""
    return sum(
        found == (printed == "yes")
        for name in names
        for found, printed in zip(invariant(name), AS_PRINTED[name].split(), strict=True)
    )


def weight_gradient_factor(times: float, epsilon: float = 0.0) -> float:
    """Return the factor of a weight's gradient as its layer's weights get so many times larger.

    A dense layer with a batch normalisation behind it; the gradient that comes back is the same.

    Source:
        Ioffe and Szegedy 2015, section 3.3.
    """
    rng = np.random.default_rng(0)
    x, upstream = rng.standard_normal((32, 8)), rng.standard_normal((32, 6))
    net = Sequential(
        Dense(8, 6, "glorot_normal", rng, use_bias=False), BatchNorm(6, epsilon=epsilon)
    )
    norms = []
    for factor in (1.0, times):
        net.arrays[0] *= factor
        net.forward(x, training=True)
        net.backward(upstream)
        norms.append(float(np.linalg.norm(net.gradients[0])))
    return norms[1] / norms[0]


def gradient_bound_met(seeds: Sequence[int], gamma: float = 1.5) -> list[float]:
    """Return the squared gradient in front of a batch normalisation over its bound, one a seed.

    The largest of all units, for a random gradient g behind it, normalised values h, a spread
    sigma and m examples. The bound is gamma^2 / sigma^2 (|g|^2 - sum(g)^2 / m - (g h)^2 / m).

    Source:
        Santurkar et al. 2018, section 4, the first theorem.
    """
    largest = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        y, g = rng.normal(1, 2, (16, 6)), rng.standard_normal((16, 6))  # (examples, units)
        norm = BatchNorm(6, epsilon=0.0)
        norm.arrays[0][:] = gamma
        h = norm.forward(y, training=True) / gamma
        before = (norm.backward(g) ** 2).sum(axis=0)
        left = (g**2).sum(axis=0) - g.sum(axis=0) ** 2 / 16 - (g * h).sum(axis=0) ** 2 / 16
        largest.append(float((before / (gamma**2 / y.var(axis=0) * left)).max()))
    return largest


class _Average(Block):
    """Attention whose rows are uniform, as with queries and keys of 0: the mean over places."""

    def _forward(self, x: Array, training: bool) -> Array:
        return np.broadcast_to(x.mean(axis=1, keepdims=True), x.shape)

    def _backward(self, upstream: Array) -> Array:
        return np.broadcast_to(upstream.mean(axis=1, keepdims=True), upstream.shape)


def _square(units: int, rng: np.random.Generator) -> Dense:
    return Dense(units, units, "glorot_normal", rng, use_bias=False)


def _transformer(kind: str, layers: int, units: int, seed: int) -> Sequential:
    """Return the transformer of the paper's theory: all matrices square, attention uniform."""
    rng = np.random.default_rng(seed)
    blocks: list[Block] = []
    for _ in range(layers):
        attention = [_square(units, rng), _Average()]
        feed_forward = [_square(units, rng), Activate("relu"), _square(units, rng)]
        for part in (attention, feed_forward):
            norm = LayerNorm(units, epsilon=0.0)
            blocks += [Residual(norm, *part)] if kind == "pre" else [Residual(*part), norm]
    return Sequential(*blocks, *([LayerNorm(units, epsilon=0.0)] if kind == "pre" else []))


def mean_squares(
    kind: str, layers: int, seed: int, places: int = 64, units: int = 256
) -> list[float]:
    """Return each layer's mean square of what a feed-forward layer and its shortcut give.

    Before it is normalised, for post-norm. Of one input of so many places, drawn each by itself.

    Args:
        kind: "pre" or "post".
        layers: each an attention and a feed-forward layer.
        seed: of weights and input.
        places: of the input; with one, attention hands on what it gets.
        units: size of a state.

    Source:
        Xiong et al. 2020, lemma 2.
    """
    net = _transformer(kind, layers, units, seed)
    net.forward(np.random.default_rng(seed + 1000).standard_normal((1, places, units)))
    # Of the values, the first is the input; blocks are Residual, or Residual and LayerNorm.
    behind = net.values[2::2] if kind == "pre" else net.values[3::4]
    return [float(np.mean(value**2)) for value in behind]


def growth(
    seeds: Sequence[int], places: int = 64, layers: int = 12, units: int = 256
) -> list[float]:
    """Return what a pre-norm layer adds to the mean square of the sum, one value a seed.

    Source:
        Xiong et al. 2020, the proof of lemma 2: between 1/2 and 3/2.
    """
    found = []
    for seed in seeds:
        squares = mean_squares("pre", layers, seed, places, units)
        found.append((squares[-1] - squares[0]) / (layers - 1))
    return found


def last_gradient(kind: str, layers: int, seed: int, places: int = 16, units: int = 64) -> float:
    """Return the norm of the gradient of the last feed-forward layer's second matrix.

    What comes back to the output is the same random gradient at each depth.

    Source:
        Xiong et al. 2020, theorem 1.
    """
    net = _transformer(kind, layers, units, seed)
    rng = np.random.default_rng(seed + 1000)
    x, upstream = rng.standard_normal((2, 1, places, units))
    net.forward(x)
    net.backward(upstream)
    last = net.blocks[-2]
    return float(np.linalg.norm(last.gradients[-1]))


def depth_factor(kind: str, seeds: Sequence[int], few: int = 16, many: int = 128) -> list[float]:
    """Return ``last_gradient`` with many layers over that with few, one a seed."""
    return [last_gradient(kind, many, seed) / last_gradient(kind, few, seed) for seed in seeds]
