"""SELU's two constants and its fixed point, solved anew."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from livegrad import MLP
from livegrad._checks import Array

__all__ = ["constants", "fixed_point_jacobian", "layer_moments", "next_moments"]


def _half_exponential(rate: float, mean: float, variance: float) -> float:
    """Return E[e^(rate z); z < 0] for a normal z."""
    from scipy.special import ndtr

    deviation = math.sqrt(variance)
    shift = rate * mean + rate * rate * variance / 2
    return math.exp(shift) * float(ndtr(-(mean + rate * variance) / deviation))


def constants() -> tuple[float, float]:
    """Return alpha and the scale for which a standard normal input keeps mean 0 and variance 1.

    Both conditions are linear, in alpha and in the scale's square.

    Source:
        Klambauer et al. 2017, eq. 14.
    """
    negative = _half_exponential(1, 0, 1)  # E[e^z; z < 0]
    alpha = (1 / math.sqrt(2 * math.pi)) / (0.5 - negative)
    square = 0.5 + alpha**2 * (_half_exponential(2, 0, 1) - 2 * negative + 0.5)
    return alpha, 1 / math.sqrt(square)


def next_moments(mean: float, variance: float) -> tuple[float, float]:
    """Return mean and variance of the activations one layer on.

    For weights that add up to 0 and whose squares add up to 1, as lecun_normal's do on average:
    the pre-activations are normal with mean 0, whatever the mean, and this variance.

    Source:
        Klambauer et al. 2017, eqs. 4 and 5.
    """
    alpha, scale = constants()
    # The sum of the weights is 0, so the mean does not reach the next layer.
    sd = math.sqrt(variance)
    negative = _half_exponential(1, 0, variance)
    first = scale * (sd / math.sqrt(2 * math.pi) + alpha * (negative - 0.5))
    twice = _half_exponential(2, 0, variance)
    second = scale**2 * (variance / 2 + alpha**2 * (twice - 2 * negative + 0.5))
    return first, second - first**2


def fixed_point_jacobian() -> Array:
    """Return the derivatives of ``next_moments`` at (0, 1), shape (2, 2); rows are results.

    Source:
        Klambauer et al. 2017, eq. 6.
    """
    step = 1e-5
    columns = []
    for at in range(2):
        sides = [next_moments(0 + s * (at == 0), 1 + s * (at == 1)) for s in (step, -step)]
        columns.append((np.array(sides[0]) - np.array(sides[1])) / (2 * step))
    return np.stack(columns, axis=1)


def layer_moments(
    initializer: str | Callable[..., Array],
    seed: int,
    activation: str = "selu",
    depth: int = 50,
    width: int = 200,
    mean: float = 0.0,
    variance: float = 1.0,
) -> tuple[Sequence[float], Sequence[float]]:
    """Return mean and variance of the activations of each layer of a fresh network.

    Args:
        initializer: name, or ``f(shape, rng)``.
        seed: of inputs and weights.
        activation: of all layers.
        depth: hidden layers.
        width: units of each, and inputs.
        mean: of the inputs.
        variance: of the inputs.
    """
    rng = np.random.default_rng(seed)
    x = mean + math.sqrt(variance) * rng.standard_normal((100, width))  # (examples, width)
    net = MLP([width, *depth * [width], 1], activation, initializer, rng=rng)
    layers = net.forward(x).a
    return [float(a.mean()) for a in layers], [float(a.var()) for a in layers]
