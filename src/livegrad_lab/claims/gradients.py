"""Claims about the product itself: what cures it, and what makes the first weights not matter."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from livegrad import MLP, initializers, measure
from livegrad._checks import Array
from livegrad_lab.panel import examples
from livegrad_lab.trial import Case, Claim

__all__ = ["CLAIMS", "relu_cures", "sigmoid_explodes"]

# A product within a factor of e^3, about twenty, of 1 counts as kept: fixed before the first run.
BOUND = 3.0


def log_product(net: MLP, x: Array, y: Array) -> float:
    """Return ln of the product of gains; what has vanished beyond 1e-300 counts as that."""
    return math.log(max(measure(net, x, y).gain, 1e-300))


def equal(value: float) -> Callable[..., Array]:
    """Return an initializer that gives every weight the same value."""
    return lambda shape, rng: np.full(shape, value)


def relu_cures(seed: int) -> dict[str, float]:
    """Measure ln of the product of gains of 20 hidden layers of 64 units, before training."""
    x, y = examples("digits", seed)[0]
    pairs = [
        ("relu", "he_normal"),
        ("relu", "glorot_uniform"),
        ("relu", "fan_in_uniform"),
        ("sigmoid", "glorot_uniform"),
    ]
    return {
        f"{activation}, {initializer}": log_product(
            MLP([64] + 20 * [64] + [10], activation, initializer, "multiclass", rng=seed), x, y
        )
        for activation, initializer in pairs
    }


def sigmoid_explodes(seed: int) -> dict[str, float]:
    """Measure ln of the product of gains of 5 sigmoid layers for ordinary to huge weights."""
    rng = np.random.default_rng(seed)
    line = rng.standard_normal((128, 1))  # one input, one unit a layer
    path = MLP(7 * [1], "sigmoid", equal(500.0), rng=seed)
    found = {"one path, weight 500": log_product(path, line, line[:, 0] > 0)}
    x, y = examples("digits", seed)[0]
    for spread in (500.0, 5.0):

        def draw(shape: tuple[int, int], rng: np.random.Generator, sd: float = spread) -> Array:
            return initializers.random_normal(shape, rng, stddev=sd)

        net = MLP([64] + 5 * [64] + [10], "sigmoid", draw, "multiclass", rng=seed)
        found[f"64 units, spread {spread:g}"] = log_product(net, x, y)
    net = MLP([64] + 5 * [64] + [10], "sigmoid", "glorot_uniform", "multiclass", rng=seed)
    found["64 units, glorot_uniform"] = log_product(net, x, y)
    return found


CLAIMS = (
    Claim(
        code="relu-cures-vanishing",
        statement="ReLU cures the vanishing gradient.",
        source="S4; Glorot et al. 2011",
        quantity="ln of the product of gains through 20 layers",
        experiment=relu_cures,
        cases=(
            Case("the weights are he_normal", "relu, he_normal", "equal", 0.0, BOUND),
            Case("the weights are glorot_uniform", "relu, glorot_uniform", "equal", 0.0, BOUND),
            Case("the weights are fan_in_uniform", "relu, fan_in_uniform", "equal", 0.0, BOUND),
        ),
        changes="Fewer layers: a small loss in each needs depth to add up.",
    ),
    Claim(
        code="sigmoid-explodes-if-huge",
        statement="With the sigmoid the gradient explodes, but only with huge weights: 500 * 0.25.",
        source="S2; Pascanu et al. 2013",
        quantity="ln of the product of gains through 5 layers",
        experiment=sigmoid_explodes,
        cases=(
            Case("a single path has the weight 500", "one path, weight 500", "above", 0.0, BOUND),
            Case("64 weights a unit spread by 500", "64 units, spread 500", "above", 0.0, BOUND),
            Case(
                "weights spread by 5 are asked not to explode",
                "64 units, spread 5",
                "below",
                0.0,
                BOUND,
            ),
            Case(
                "Glorot's weights are asked not to explode",
                "64 units, glorot_uniform",
                "below",
                0.0,
                BOUND,
            ),
        ),
        changes="Biases that keep each unit in the middle of its curve, where its slope is large.",
    ),
)
"""The claims, in the order of their page."""
