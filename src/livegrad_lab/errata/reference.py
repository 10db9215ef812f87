"""What was wrong about the reference pages."""

from __future__ import annotations

import numpy as np

from livegrad import MLP, activations, measure
from livegrad_lab.errata._erratum import Erratum, checked, features

__all__ = ["ERRATA"]


def _large_weights() -> str:
    x, y = features(features=64)
    products = {}
    for name in ("relu", "tanh"):
        weights = lambda shape, rng: 100 * rng.standard_normal(shape)  # noqa: E731
        products[name] = measure(MLP([64] + 10 * [64] + [1], name, weights, rng=0), x, y).gain
    return checked(
        "with weights that spread by 100 the gradient's product through ten layers is "
        f"{products['relu']:.0e} with ReLU and {products['tanh']:.0e} with tanh",
        products["relu"] > 1e6 and products["tanh"] < 1e-6,
    )


def _many_paths() -> str:
    weights = np.full((10, 10), 3.9)
    step = weights * activations.sigmoid.derivative(np.zeros(10))  # biases hold the inputs at 0
    factor = float(np.abs(np.linalg.eigvals(step)).max())
    return checked(
        f"ten units whose weights are all 3.9 multiply the error by up to {factor:.2f} a step",
        factor > 1,
    )


ERRATA: tuple[Erratum, ...] = (
    Erratum(
        "large-weights-vanish",
        "reference/statements#s16",
        '"Small" weights vanish as surely as "large" ones explode.',
        "Large weights explode with ReLU. With tanh they may saturate the units, and then the "
        "gradient vanishes too.",
        "2026-11-30",
        _large_weights,
    ),
    Erratum(
        "many-paths",
        "reference/papers#hochreiter-1997",
        "With sigmoid units the error must vanish as long as all weights are below 4.0.",
        "So it is along one path from unit to unit. A step of a network sums over many.",
        "2026-11-30",
        _many_paths,
    ),
)
