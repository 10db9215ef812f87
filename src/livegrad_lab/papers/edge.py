"""Wide random networks: where order ends and chaos begins, and how deep a signal reaches.

Weights have the variance sigma_w^2 / fan_in and biases sigma_b^2. In a layer without bounds on its
width the pre-activations are Gaussian, so that every mean below is an integral over a Gaussian;
Gauss-Hermite quadrature computes it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np

from livegrad import MLP, activations, measure
from livegrad._checks import Array

__all__ = [
    "chi",
    "correlation",
    "correlation_depth",
    "critical_weight_variance",
    "factor_measured",
    "fixed_variance",
    "next_variance",
]


@cache
def _nodes() -> tuple[Array, Array]:
    """Nodes and weights for means over a standard normal."""
    x, w = np.polynomial.hermite_e.hermegauss(120)
    return x, w / math.sqrt(2 * math.pi)


def next_variance(q: float, weight: float, bias: float, activation: str = "tanh") -> float:
    """Return the pre-activations' variance one layer on: weight * E[phi(sqrt(q) z)^2] + bias.

    Args:
        q: this layer's variance.
        weight: sigma_w^2.
        bias: sigma_b^2.
        activation: name of a smooth activation.

    Source:
        Poole et al. 2016.
    """
    z, w = _nodes()
    return float(weight * np.sum(w * activations.get(activation)(math.sqrt(q) * z) ** 2) + bias)


@cache
def fixed_variance(weight: float, bias: float, activation: str = "tanh") -> float:
    """Return the variance that the layers settle at, starting from 1."""
    q = 1.0
    for _ in range(10_000):
        new = next_variance(q, weight, bias, activation)
        if abs(new - q) < 1e-14:
            break
        q = new
    return new


def chi(weight: float, bias: float, activation: str = "tanh") -> float:
    """Return the factor of the gradient's mean square a layer: weight * E[phi'(sqrt(q) z)^2].

    It is above 1 in the chaotic phase and below 1 in the ordered one.

    Source:
        Poole et al. 2016; Schoenholz et al. 2017.
    """
    z, w = _nodes()
    q = fixed_variance(weight, bias, activation)
    slopes = activations.get(activation).derivative(math.sqrt(q) * z)
    return float(weight * np.sum(w * slopes**2))


def critical_weight_variance(bias: float, activation: str = "tanh") -> float:
    """Return the sigma_w^2 at which chi is 1, for this sigma_b^2."""
    from scipy.optimize import brentq

    return float(brentq(lambda weight: chi(weight, bias, activation) - 1, 1.0, 6.0))


def correlation(c: float, weight: float, bias: float, activation: str = "tanh") -> float:
    """Return two inputs' correlation one layer on, both at the variance that is kept.

    Source:
        Poole et al. 2016.
    """
    phi = activations.get(activation)
    z, w = _nodes()
    q = fixed_variance(weight, bias, activation)
    first = phi(math.sqrt(q) * z)  # (nodes,)
    other = phi(math.sqrt(q) * (c * z[:, None] + math.sqrt(1 - c * c) * z))  # (nodes, nodes)
    mean = float(np.sum(w * first * (other @ w)))
    return (weight * mean + bias) / q


def correlation_depth(weight: float, bias: float, activation: str = "tanh") -> float:
    """Return the depth scale over which two inputs' correlation settles, in layers.

    It is -1 / ln of the correlation map's slope at its stable fixed point.

    Source:
        Schoenholz et al. 2017, section 3.
    """
    phi = activations.get(activation)
    z, w = _nodes()
    c = 0.5
    for _ in range(2000):
        new = min(correlation(c, weight, bias, activation), 1.0)
        if abs(new - c) < 1e-12:
            break
        c = new
    q = fixed_variance(weight, bias, activation)
    first = phi.derivative(math.sqrt(q) * z)  # (nodes,)
    other = phi.derivative(math.sqrt(q) * (c * z[:, None] + math.sqrt(max(1 - c * c, 0)) * z))
    slope = float(weight * np.sum(w * first * (other @ w)))
    return -1 / math.log(slope)


def factor_measured(
    weight: float, bias: float, seeds: Sequence[int], width: int = 300, depth: int = 20
) -> list[float]:
    """Return the factor of the gradient's mean square a layer in tanh networks, one value a seed.

    The geometric mean over the second half of the layers, where the variance has settled, but for
    the last, whose gain holds the output's weights.
    """

    def rule(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return rng.normal(0, math.sqrt(weight / shape[0]), shape)

    factors = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        net = MLP([width, *depth * [width], 1], "tanh", rule, rng=rng)
        for offsets in net.biases[:-1]:
            offsets[:] = rng.normal(0, math.sqrt(bias), offsets.shape)
        x = rng.standard_normal((20, width))  # (examples, width)
        layers = measure(net, x, rng.integers(0, 2, 20)).layers[depth // 2 : depth - 1]
        factors.append(math.prod(layer.gain**2 for layer in layers) ** (1 / len(layers)))
    return factors
