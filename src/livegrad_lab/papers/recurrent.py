"""The same product through time: thresholds, a wall in the error, and clipping."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from livegrad import activations
from livegrad._checks import Array
from livegrad.activations import sigmoid

__all__ = [
    "STEPS",
    "TARGET",
    "Surface",
    "descend",
    "error_surface",
    "growth_exponent",
    "growth_measured",
    "longest_product",
    "threshold",
]

STEPS, TARGET, START = 50, 0.7, 0.5
"""Time steps, wanted output and first state of the one-unit network."""


def threshold(activation: str) -> float:
    """Return the largest singular value of the recurrent weights below which gradients vanish.

    It is one over the activation's largest slope.

    Source:
        Pascanu et al. 2013, section 2.1.
    """
    return 1 / activations.get(activation).max_slope


def longest_product(
    activation: str, singular_value: float, steps: int, seeds: Sequence[int], width: int = 30
) -> list[float]:
    """Return the norm of a recurrent network's product of Jacobians, one value a seed.

    Args:
        activation: of the states.
        singular_value: the largest one of the recurrent weights.
        steps: factors of the product.
        seeds: one random network each, with random inputs.
        width: units.

    Source:
        Pascanu et al. 2013, eqs. 6 and 7.
    """
    phi = activations.get(activation)
    norms = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        weight = rng.standard_normal((width, width))
        weight *= singular_value / np.linalg.norm(weight, 2)
        state = rng.standard_normal(width)  # (width,)
        product = np.eye(width)
        for _ in range(steps):
            product = product @ (phi.derivative(state)[:, None] * weight)  # (width, width)
            state = phi(state) @ weight + rng.standard_normal(width)
        norms.append(float(np.linalg.norm(product, 2)))
    return norms


@dataclass(frozen=True)
class Surface:
    """An error over the plane of weight and bias.

    Attributes:
        error: the squared error after the last step.
        slope: the length of its gradient with respect to weight and bias.
        gradient: the gradient itself, the two parts on the first axis.
    """

    error: Array
    slope: Array
    gradient: Array


def error_surface(weight: Array, bias: Array) -> Surface:
    """Return the error of the network of one unit, x_t = w sigmoid(x_(t-1)) + b, after 50 steps.

    Args:
        weight: any shape.
        bias: a shape that fits it.

    Source:
        Pascanu et al. 2013, eq. 8 and fig. 6.
    """
    weight, bias = np.broadcast_arrays(np.asarray(weight, float), np.asarray(bias, float))
    x = np.full(weight.shape, START)
    by_weight, by_bias = np.zeros_like(x), np.zeros_like(x)
    for _ in range(STEPS):
        out = sigmoid(x)
        back = weight * out * (1 - out)
        by_weight = out + back * by_weight
        by_bias = 1 + back * by_bias
        x = weight * out + bias
    out = sigmoid(x)
    outer = 2 * (out - TARGET) * out * (1 - out)
    gradient = np.stack([outer * by_weight, outer * by_bias])
    return Surface((out - TARGET) ** 2, np.hypot(*gradient), gradient)


def descend(
    weight: Array, bias: Array, steps: int, learning_rate: float, clip: float = math.inf
) -> tuple[Array, Array, Array]:
    """Return weights, biases and errors along gradient descent, first axis steps + 1.

    Args:
        weight: where the runs start, shape (runs,).
        bias: likewise.
        steps: updates.
        learning_rate: the step's factor.
        clip: a longer gradient is shortened to this length.

    Source:
        Pascanu et al. 2013, algorithm 1.
    """
    path = [np.stack([np.asarray(weight, float), np.asarray(bias, float)])]  # (2, runs)
    errors = []
    for _ in range(steps):
        surface = error_surface(*path[-1])
        errors.append(surface.error)
        shrink = np.minimum(1, clip / np.maximum(surface.slope, 1e-300))
        path.append(path[-1] - learning_rate * shrink * surface.gradient)
    errors.append(error_surface(*path[-1]).error)
    ways = np.array(path)  # (steps + 1, 2, runs)
    return ways[:, 0], ways[:, 1], np.array(errors)


def growth_exponent(width: int) -> float:
    """Return by how much one Gaussian matrix changes the logarithm of a vector's length.

    Entries of variance 1. The squared length of W u, u of length 1, is chi-squared with ``width``
    degrees of freedom, whatever u is: the exponent is (ln 2 + psi(width / 2)) / 2.
    """
    from scipy.special import digamma

    return float((math.log(2) + digamma(width / 2)) / 2)


def growth_measured(width: int, steps: int, seeds: Sequence[int]) -> list[float]:
    """Return ln ||W_steps ... W_1 u|| / steps for standard normal matrices, one value a seed."""
    values = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        vector, total = np.eye(width)[0], 0.0
        for _ in range(steps):
            vector = rng.standard_normal((width, width)) @ vector  # (width,)
            length = float(np.linalg.norm(vector))
            total += math.log(length)
            vector = vector / length
        values.append(total / steps)
    return values
