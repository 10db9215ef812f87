"""What first weights do to signal and gradient, before training and after."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from livegrad import MLP, activations, initializers, measure
from livegrad._checks import Array
from livegrad.signals import Report

__all__ = [
    "VGG_B",
    "deep_tanh",
    "eigenvalue_share",
    "forward_factor",
    "gradient_factor",
    "jacobian_mean",
    "latched_slope",
    "lyapunov_spectrum",
    "quarter_circle_mean",
    "singular_values",
    "vgg_loss",
    "weight_gradient_ratio",
]

VGG_B = (64, 64, 128, 128, 256, 256, 512, 512, 512, 512)
"""Filters of the ten convolutions of VGG's model B, each of three by three."""


def latched_slope(weight: float) -> float:
    """Return the factor of one step back at the state that a = tanh(weight * a) settles in.

    A state that is kept must be stable, and stable means that this factor is below 1.

    Source:
        Bengio et al. 1994: what stores information robustly has vanishing gradients.
    """
    state = 1.0
    for _ in range(1000):
        state = math.tanh(weight * state)
    return weight * (1 - state * state)


def deep_tanh(
    initializer: str, depth: int = 5, width: int = 400, scale: float = 1.0, seed: int = 0
) -> Report:
    """Measure a fresh tanh network with ten classes on normal inputs of this standard deviation.

    Source:
        Glorot and Bengio 2010, whose networks had five hidden layers of one width.
    """
    rng = np.random.default_rng(seed)
    x = scale * rng.standard_normal((256, width))  # (examples, width)
    y = rng.integers(0, 10, 256)  # (examples,)
    net = MLP([width, *depth * [width], 10], "tanh", initializer, head="multiclass", rng=rng)
    return measure(net, x, y)


def gradient_factor(initializer: str, scale: float, seeds: Sequence[int]) -> list[float]:
    """Return by how much a layer multiplies the variance of the back-propagated gradient.

    The geometric mean over the hidden layers but the last, whose gain holds the output's weights;
    one value a seed.

    Source:
        Glorot and Bengio 2010, eqs. 13 and 15.
    """
    factors = []
    for seed in seeds:
        hidden = deep_tanh(initializer, scale=scale, seed=seed).layers[:-2]
        factors.append(math.prod(layer.gain**2 for layer in hidden) ** (1 / len(hidden)))
    return factors


def weight_gradient_ratio(initializer: str, scale: float, seeds: Sequence[int]) -> list[float]:
    """Return the first hidden layer's weight gradient over the last one's: norms, one a seed.

    Source:
        Glorot and Bengio 2010, eq. 14 and fig. 8.
    """
    ratios = []
    for seed in seeds:
        hidden = deep_tanh(initializer, scale=scale, seed=seed).layers[:-1]
        ratios.append(hidden[0].gradient_norm / hidden[-1].gradient_norm)
    return ratios


def jacobian_mean(
    initializer: str, seeds: Sequence[int], depth: int = 5, width: int = 300
) -> list[float]:
    """Return the mean singular value of the layers' Jacobians da_l / da_(l-1), one value a seed.

    At one standard normal input, over the hidden layers of a tanh network but the first.

    Source:
        Glorot and Bengio 2010, eq. 17.
    """
    rule = initializers.get(initializer)
    means = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        signal = rng.standard_normal(width)  # (width,)
        values = []
        for _ in range(depth):
            weight = rule((width, width), rng)  # (fan_in, fan_out)
            signal = np.tanh(signal @ weight)  # (width,)
            slopes = 1 - signal * signal  # (width,)
            values.append(np.linalg.svd(weight * slopes, compute_uv=False).mean())
        means.append(float(np.mean(values[1:])))
    return means


def quarter_circle_mean(variance: float) -> float:
    """Return the mean singular value of a large square matrix, n times its entries' variance given.

    The singular values of a matrix whose entries have the variance 1/n lie, for n without bound, on
    a quarter circle of radius 2, whose mean is 8 / (3 pi).
    """
    return math.sqrt(variance) * 8 / (3 * math.pi)


def forward_factor(
    variance_times_fan: float, negative_slope: float, seeds: Sequence[int], width: int = 500
) -> list[float]:
    """Return by how much a leaky rectifier layer multiplies the signal's variance, one a seed.

    Theory says (1 + slope^2) / 2 times the fan-in times the weights' variance. The geometric mean
    over ten layers.

    Source:
        He et al. 2015, eq. 10, with the slope eq. 15.
    """
    factors = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        z = rng.standard_normal((200, width))  # (examples, width): pre-activations
        before = float(np.mean(z * z))
        for _ in range(10):
            a = activations.leaky_relu(z, negative_slope=negative_slope)
            z = a @ rng.normal(0, math.sqrt(variance_times_fan / width), (width, width))
        factors.append((float(np.mean(z * z)) / before) ** (1 / 10))
    return factors


def vgg_loss(stddev: float = 0.01, filters: Sequence[int] = VGG_B) -> float:
    """Return how much smaller this standard deviation makes the gradient than eq. 14's.

    From the last convolution back to the second: one factor a layer.

    Source:
        He et al. 2015, section 2.2.
    """
    derived = [math.sqrt(2 / (3 * 3 * d)) for d in filters[1:]]
    return math.prod(right / stddev for right in derived)


def _product(depth: int, width: int, rng: np.random.Generator, orthogonal: bool) -> Array:
    total = np.eye(width)
    for _ in range(depth):
        if orthogonal:
            factor = initializers.orthogonal((width, width), rng)
        else:
            factor = rng.normal(0, 1 / math.sqrt(width), (width, width))
        total = factor @ total
    return total


def singular_values(depth: int, seed: int, width: int = 100, orthogonal: bool = False) -> Array:
    """Return the singular values of a product of random matrices, the largest first.

    Float64 keeps sixteen digits of the largest: what is smaller than that share of it is noise.

    Source:
        Saxe et al. 2014, eq. 19 and fig. 6B.
    """
    total = _product(depth, width, np.random.default_rng(seed), orthogonal)
    return np.asarray(np.linalg.svd(total, compute_uv=False))


def lyapunov_spectrum(width: int) -> Array:
    """Return the mean logarithm that one Gaussian matrix adds to each singular value of a product.

    The entries have the variance 1 / width; the largest comes first. A Gaussian matrix stretches a
    volume of k dimensions by lengths whose squares are chi-squared with width, width - 1, ...
    degrees of freedom, over the width, and E ln chi2_m = ln 2 + psi(m / 2).
    """
    from scipy.special import digamma

    freedom = np.arange(width, 0, -1)  # (width,)
    return np.asarray((np.log(2 / width) + digamma(freedom / 2)) / 2)


def eigenvalue_share(depth: int, seeds: Sequence[int], width: int = 200) -> list[float]:
    """Return the share of a product's eigenvalues in the bin of width 0.1 about the origin.

    Source:
        Saxe et al. 2014, fig. 6C.
    """
    shares = []
    for seed in seeds:
        total = _product(depth, width, np.random.default_rng(seed), orthogonal=False)
        values = np.linalg.eigvals(total)  # (width,)
        inside = (np.abs(values.real) < 0.05) & (np.abs(values.imag) < 0.05)
        shares.append(float(inside.mean()))
    return shares
