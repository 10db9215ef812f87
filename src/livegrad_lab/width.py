"""How the best learning rate of Adam moves with the width, in two parametrisations.

Classifiers of three hidden ReLU layers learn 512 digits. With the standard parametrisation one rate
serves all arrays. With the maximal-update one (muP; Yang et al. 2022, table 3) the rate of hidden
and output weights is divided by the width over that of the base, and the spread of the output's
first weights by its square root. At the base width both are the same network.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from livegrad._checks import Array
from livegrad.network import MLP
from livegrad.optimizers import Adam
from livegrad_lab.sweep import sweep

__all__ = ["RATES", "STEPS", "WAYS", "WIDTHS", "losses"]

WAYS = ("standard", "muP")
WIDTHS = (32, 64, 128, 256, 512, 1024)
"""The hidden layers'; the first is the base."""
RATES = tuple(2.0**power for power in range(-13, -3))
STEPS = (20, 40, 160)
"""After how many steps the loss is taken."""
DEPTH, IMAGES, BATCH = 3, 512, 32
SEEDS = range(3)


@functools.cache
def images() -> tuple[Array, Array]:
    """Return digits from 0 to 1, shape (512, 64), float32, and their classes, shape (512,)."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return (x[:IMAGES] / 16).astype("float32"), y[:IMAGES]


def run(way: str, width: int, seed: int, rates: Sequence[float] = RATES) -> list[list[float]]:
    """Train a network at each rate; return the mean losses on all images, (rates, steps)."""
    return [_trained(way, width, rate, seed) for rate in rates]


def _trained(way: str, width: int, rate: float, seed: int) -> list[float]:
    x, y = images()
    m = width / WIDTHS[0] if way == "muP" else 1.0
    widths = [x.shape[1], *DEPTH * [width], 10]
    net = MLP(widths, "relu", "he_normal", "multiclass", rng=seed, dtype="float32")
    net.weights[-1] /= np.float32(math.sqrt(m))
    first, rest = Adam(rate), Adam(rate / m)
    rng = np.random.default_rng(seed)
    seen = []
    for step in range(1, STEPS[-1] + 1):
        rows = rng.integers(0, len(x), BATCH)  # (batch,)
        gradients = net.backward(net.forward(x[rows]), y[rows])
        first.step([net.weights[0], *net.biases], [gradients.weights[0], *gradients.biases])
        rest.step(net.weights[1:], gradients.weights[1:])
        if step in STEPS:
            seen.append(float(net.loss(x, y)))
    return seen


def losses(
    ways: Sequence[str] = WAYS, widths: Sequence[int] = WIDTHS, seeds: Sequence[int] = SEEDS
) -> Array:
    """Return the loss of all, shape (ways, widths, seeds, rates, steps)."""
    found = sweep(run, settings(ways, widths, seeds), progress=False)
    return np.reshape(found, (len(ways), len(widths), len(seeds), len(RATES), len(STEPS)))


def settings(
    ways: Sequence[str] = WAYS, widths: Sequence[int] = WIDTHS, seeds: Sequence[int] = SEEDS
) -> list[dict[str, Any]]:
    """Return the settings of all runs."""
    return [
        {"way": way, "width": width, "seed": seed}
        for way in ways
        for width in widths
        for seed in seeds
    ]
