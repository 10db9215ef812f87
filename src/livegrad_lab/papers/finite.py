"""Rectifier networks that are not wide: sizes with heavy tails, and networks that are born dead."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from livegrad._checks import Array

__all__ = [
    "born_dead",
    "born_dead_bound_of_paper",
    "born_dead_bounds",
    "mean_log_size",
    "second_moment",
    "squared_sizes",
]


def squared_sizes(widths: Sequence[int], count: int, rng: np.random.Generator | int) -> Array:
    """Return the squared length of the last layer over that of the input, for many networks.

    Rectifier networks with weights from N(0, 2 / fan_in) and no biases; lengths are per unit, so
    that the mean is 1 in every layer.

    Args:
        widths: units of the layers, the input first.
        count: networks.
        rng: generator or seed.
    """
    random = np.random.default_rng(rng)
    signal = np.ones((count, 1, widths[0]))  # (networks, 1, units)
    for fan_in, fan_out in pairwise(widths):
        weight = random.normal(0, math.sqrt(2 / fan_in), (count, fan_in, fan_out))
        signal = np.maximum(signal @ weight, 0)  # (networks, 1, fan_out)
    return np.asarray(np.mean(signal[:, 0] ** 2, axis=1))  # (networks,)


def second_moment(widths: Sequence[int]) -> float:
    """Return the mean square of ``squared_sizes``: the product of 1 + 5 / width over the layers.

    One layer multiplies the squared length by 2 / n times a sum of n squares of rectified normals,
    each of mean a half and fourth moment three halves. That factor has the mean 1 and a variance of
    5 / n. The layers are independent, since a Gaussian matrix treats all directions alike.

    Source:
        Hanin 2018, where such moments are shown to grow exponentially in the sum of 1 / width.
    """
    return math.prod(1 + 5 / n for n in widths[1:])


def mean_log_size(widths: Sequence[int], count: int, rng: np.random.Generator | int) -> float:
    """Return the mean logarithm of ``squared_sizes``, dead networks left out."""
    sizes = squared_sizes(widths, count, rng)
    return float(np.log(sizes[sizes > 0]).mean())


def born_dead(width: int, hidden: int, count: int, rng: np.random.Generator | int) -> float:
    """Return the share of networks with one input that give one output for all inputs.

    Rectifier networks without biases, symmetric weights. All positive inputs are multiples of 1
    and all negative ones of -1, so that two passes tell: dead is who has lost both.

    Args:
        width: units of each hidden layer.
        hidden: hidden layers.
        count: networks.
        rng: generator or seed.

    Source:
        Lu et al. 2019.
    """
    random = np.random.default_rng(rng)
    signal = np.tile([[1.0], [-1.0]], (count, 1, 1))  # (networks, two inputs, units)
    for layer in range(hidden):
        fan_in = width if layer else 1
        weight = random.standard_normal((count, fan_in, width))
        signal = np.maximum(signal @ weight, 0)  # (networks, 2, width)
    return float(np.mean((signal == 0).all(axis=(1, 2))))


def born_dead_bounds(width: int, hidden: int) -> tuple[float, float]:
    """Return a lower and an upper bound of the probability of being born dead, for one input.

    For one sign of the input a layer silences the signal with the probability 2^-width, whatever
    came before: one sign is dead with probability 1 - (1 - 2^-width)^hidden, an upper bound.
    Dead for both signs has the probability 1 - 2 P(one lives) + P(both live). Both live on through
    a layer with the probability 1 - 2 * 2^-width + (P that a unit is silent for both)^width; two
    signals without negative parts are at most a right angle apart, so a unit is silent for both
    with a probability of at least a quarter (after the input, whose signs are opposite, of 0).
    """
    alive = 1 - 2.0**-width
    both = (1 - 2 * 2.0**-width) * alive ** (2 * (hidden - 1))
    return 1 - 2 * alive**hidden + both, 1 - alive**hidden


def born_dead_bound_of_paper(width: int, hidden: int) -> float:
    """Return the paper's lower bound, which is closer than that of ``born_dead_bounds``.

    Written from memory of the theorem, and not checked against it.

    Source:
        Lu et al. 2019.
    """
    n, layers = width, hidden - 1
    a = 1 - 2.0**-n
    b = 1 - 2.0 ** (1 - n) - (n - 1) * 2.0 ** (-2 * n)
    both = (1 - 2.0 ** (1 - n)) * a / (1 + (n - 1) * 2.0**-n)
    return 1 - a**layers + both * (b**layers - a**layers)
