"""What the claims share: networks that are compared each at its best learning rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from livegrad._checks import Array
from livegrad_lab.panel import BATCH, examples
from livegrad_lab.stack import Arm, Stack

RATES = (0.01, 0.03, 0.1, 0.3)
"""The learning rates that every arm may choose from, unless an experiment names others."""


def accuracies(
    seed: int,
    hidden: Sequence[int],
    arms: Mapping[str, Arm],
    *,
    rates: Sequence[float] = RATES,
    epochs: int = 12,
    optimizer: str = "sgd",
) -> dict[str, float]:
    """Train each arm at each learning rate and return its test accuracy at its best rate.

    The best rate is that of the lowest loss on the training images, so that the test images decide
    nothing.
    """
    train, _, test = examples("digits", seed)
    stack, best = best_rates(train, seed, hidden, arms, rates, epochs, optimizer)
    scores = stack.accuracy(*test)
    return {name: scores[label] for name, label in best.items()}


def best_rates(
    data: tuple[Array, Array],
    seed: int,
    hidden: Sequence[int],
    arms: Mapping[str, Arm],
    rates: Sequence[float] = RATES,
    epochs: int = 12,
    optimizer: str = "sgd",
) -> tuple[Stack, dict[str, str]]:
    """Return the trained networks, and for each arm the label of the one with the lowest loss."""
    x, y = data
    tried = {
        f"{name} at {rate:g}": replace(arm, learning_rate=rate)
        for name, arm in arms.items()
        for rate in rates
    }
    stack = Stack([64, *hidden, 10], tried, seed, optimizer=optimizer)
    stack.fit(x, y, epochs, BATCH)
    loss = stack.loss(x, y)
    best = {
        name: min((f"{name} at {rate:g}" for rate in rates), key=loss.__getitem__) for name in arms
    }
    return stack, best
