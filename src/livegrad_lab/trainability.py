"""At which of the two products networks stop training, with plain SGD and with Adam.

A network is trained when it puts 90 % of its training images right at the end of its budget. Each
is tried at every rate of its optimizer's grid, and counts as trainable if it trains at one of them:
its own best rate decides.

The networks differ in depth and activation, and in what was multiplied: all weights, the first
layer's alone (which moves the signal's product and not the gradient's), or the output's alone (the
gradient's and not the signal's). The products are those of the first weights on all images.

A bound is the threshold with the fewest errors among the networks whose layers were all changed
alike, the geometric mean of the two products that it lies between.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from livegrad._checks import Array
from livegrad.network import MLP
from livegrad.signals import measure
from livegrad_lab.stack import Arm, Stack
from livegrad_lab.sweep import sweep

__all__ = ["GRIDS", "TRAINED", "Network", "Threshold", "networks", "threshold"]

TRAINED = 0.9
"""The training accuracy from which on a network counts as trained."""
GRIDS = {"SGD": (0.001, 0.01, 0.1, 1.0, 10.0), "Adam": (0.0001, 0.001, 0.01, 0.1)}
"""The rates that each optimizer tries."""
DEPTHS = (3, 8)
ACTIVATIONS = ("tanh", "relu", "sigmoid")
# What is multiplied, and by how much.
CHANGES = (
    *[("all", factor) for factor in (0.25, 0.5, 0.7, 1.0, 1.4, 2.0, 4.0)],
    *[("first", factor) for factor in (1e-4, 10.0)],
    *[("output", factor) for factor in (1e-4, 10.0)],
)
WIDTH, IMAGES, BATCH, EPOCHS = 32, 512, 32, 30


@dataclass(frozen=True)
class Network:
    """What became of one network.

    Attributes:
        activation: of its hidden layers.
        depth: number of hidden layers.
        changed: which weights were multiplied: "all", the "first" or the "output" layer's.
        factor: by how much.
        optimizer: "SGD" or "Adam".
        seed: of weights and batches.
        gradient: the gradient's product of the first weights.
        signal: the signal's.
        early: training accuracy after a tenth of the budget, one a rate.
        late: and at its end.
    """

    activation: str
    depth: int
    changed: str
    factor: float
    optimizer: str
    seed: int
    gradient: float
    signal: float
    early: tuple[float, ...]
    late: tuple[float, ...]

    @property
    def best(self) -> int:
        """The place of its best rate in the grid."""
        return int(np.argmax(self.late))

    @property
    def trained(self) -> bool:
        """Whether it trains at one rate of the grid."""
        return max(self.late) >= TRAINED


@functools.cache
def images() -> tuple[Array, Array]:
    """Return digits, shape (n, 64), of mean square 1, and their classes, shape (n,)."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(x))[:IMAGES]
    centred = x[rows] - x.mean()
    return centred / math.sqrt(np.mean(centred**2)), y[rows]


def run(activation: str, depth: int, optimizer: str, seed: int, epochs: int) -> list[Network]:
    """Train all changes at all rates, side by side on the same batches."""
    x, y = images()
    rates = GRIDS[optimizer]
    arms = [(change, rate) for change in CHANGES for rate in rates]
    widths = [64] + depth * [WIDTH] + [10]
    named = {str(arm): Arm(activation, None, arm[1]) for arm in arms}
    stack = Stack(widths, named, seed, optimizer=optimizer.lower())
    for at, ((changed, factor), _) in enumerate(arms):
        layers = {"all": range(depth + 1), "first": [0], "output": [depth]}[changed]
        for layer in layers:
            stack.weights[layer][at] *= factor
    products = []
    for at in range(0, len(arms), len(rates)):
        net = MLP(widths, activation, head="multiclass", rng=seed)
        pairs = zip(stack.weights, stack.biases, strict=True)
        net.set_weights([array for w, b in pairs for array in (w[at], b[at, 0])])
        report = measure(net, x, y)
        products.append((report.gain, report.signal_gain))
    stack.fit(x, y, epochs // 10, BATCH)
    early = np.reshape(list(stack.accuracy(x, y).values()), (-1, len(rates)))  # (changes, rates)
    stack.fit(x, y, epochs - epochs // 10, BATCH)
    late = np.reshape(list(stack.accuracy(x, y).values()), (-1, len(rates)))  # (changes, rates)
    return [
        Network(activation, depth, *change, optimizer, seed, *product, tuple(one), tuple(other))
        for change, product, one, other in zip(
            CHANGES, products, early.tolist(), late.tolist(), strict=True
        )
    ]


def networks(epochs: int = EPOCHS, seeds: int = 1) -> list[Network]:
    """Return all networks, trained."""
    groups = sweep(run, settings(epochs, seeds), progress=False)
    return [network for group in groups for network in group]


def settings(epochs: int = EPOCHS, seeds: int = 1) -> list[dict[str, Any]]:
    """Return the settings of all runs."""
    return [
        {"activation": a, "depth": d, "optimizer": o, "seed": s, "epochs": epochs}
        for d in reversed(DEPTHS)
        for a in ACTIVATIONS
        for o in GRIDS
        for s in range(seeds)
    ]


@dataclass(frozen=True)
class Threshold:
    """The value of a product that tells best who trains.

    Attributes:
        value: the threshold.
        wrong: networks on the wrong side of it.
        of: networks that were looked at.
    """

    value: float
    wrong: int
    of: int


def threshold(products: Sequence[float], trained: Sequence[bool], *, lower: bool) -> Threshold:
    """Return the threshold with the fewest errors, the geometric mean of the two it lies between.

    Args:
        products: one a network.
        trained: whether it trained.
        lower: whether networks train above it, or below.

    Raises:
        ValueError: if all networks trained, or none.

    Examples:
        >>> threshold([0.01, 0.04, 1.0], [False, True, True], lower=True)
        Threshold(value=0.02, wrong=0, of=3)
    """
    order = np.argsort(products)
    sizes, well = np.array(products)[order], np.array(trained)[order]
    if well.all() or not well.any():
        raise ValueError(f"trained must hold both, got {sum(trained)} of {len(trained)}")
    # Errors of the cut before each place: who trains below it and who fails above it.
    below, above = np.cumsum(well if lower else ~well), np.cumsum((~well if lower else well)[::-1])
    errors = below[:-1] + above[::-1][1:]
    at = int(np.argmin(errors))
    value = float(np.sqrt(sizes[at] * sizes[at + 1]))
    return Threshold(value, int(errors[at]), len(sizes))
