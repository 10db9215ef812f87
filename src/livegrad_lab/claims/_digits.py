"""What the claims share: images of digits, and networks compared each at its best learning rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from livegrad._checks import Array
from livegrad_lab.stack import Arm, Stack

BETTER = 0.01
"""By how much an accuracy must be better to count: one image in a hundred."""
ALIKE = 0.02
"""Within what two accuracies count as alike, and by how much less is no worse."""
RATES = (0.01, 0.03, 0.1, 0.3)
"""The learning rates that every arm may choose from, unless an experiment names others."""


@cache
def _all_digits() -> tuple[Array, Array]:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x / 8 - 1, y  # pixels from -1 to 1


def digits(seed: int, train: int = 300, test: int = 600) -> tuple[Array, Array, Array, Array]:
    """Return training images (train, 64) and labels (train,), then those of the test."""
    x, y = _all_digits()
    order = np.random.default_rng(seed).permutation(len(x))
    one, two = order[:train], order[train : train + test]
    return x[one], y[one], x[two], y[two]


def accuracies(
    seed: int,
    hidden: Sequence[int],
    arms: Mapping[str, Arm],
    *,
    rates: Sequence[float] = RATES,
    train: int = 300,
    epochs: int = 12,
) -> dict[str, float]:
    """Train each arm at each learning rate and return its test accuracy at its best rate.

    The best rate is that of the lowest loss on the training images, so that the test images decide
    nothing.
    """
    x, y, x_test, y_test = digits(seed, train)
    stack, best = best_rates((x, y), seed, hidden, arms, rates, epochs)
    scores = stack.accuracy(x_test, y_test)
    return {name: scores[label] for name, label in best.items()}


def best_rates(
    data: tuple[Array, Array],
    seed: int,
    hidden: Sequence[int],
    arms: Mapping[str, Arm],
    rates: Sequence[float] = RATES,
    epochs: int = 12,
) -> tuple[Stack, dict[str, str]]:
    """Return the trained networks, and for each arm the label of the one with the lowest loss."""
    x, y = data
    tried = {
        f"{name} at {rate:g}": replace(arm, learning_rate=rate)
        for name, arm in arms.items()
        for rate in rates
    }
    stack = Stack([64, *hidden, 10], tried, seed)
    stack.fit(x, y, epochs, batch_size=30)
    loss = stack.loss(x, y)
    best = {
        name: min((f"{name} at {rate:g}" for rate in rates), key=loss.__getitem__) for name in arms
    }
    return stack, best
