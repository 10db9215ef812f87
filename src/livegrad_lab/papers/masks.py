"""Dropout: what its mean over all masks is, and what averaging over some masks gives."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from livegrad import MLP
from livegrad._checks import Array
from livegrad_lab.papers.stack import digits

__all__ = ["averaging_errors", "enumerated_loss", "ridge_loss", "spread_ratio"]


def enumerated_loss(x: Array, y: Array, weights: Array, keep: float) -> float:
    """Return the mean of ||y - (mask * x) w||^2 over all masks of the inputs, one by one.

    Each example has its own mask; the mean of a sum is the sum of the means, so that all masks of
    one example are enough: 2 to the number of inputs.

    Args:
        x: shape (examples, inputs).
        y: shape (examples,).
        weights: shape (inputs,).
        keep: probability that an input is kept, the paper's p.
    """
    inputs = x.shape[1]
    masks = (np.arange(2**inputs)[:, None] >> np.arange(inputs)) & 1  # (masks, inputs)
    chances = np.prod(np.where(masks == 1, keep, 1 - keep), axis=1)  # (masks,)
    errors = y[:, None] - x @ (masks * weights).T  # (examples, masks)
    return float(np.sum(errors**2 @ chances))


def ridge_loss(x: Array, y: Array, weights: Array, keep: float) -> float:
    """Return ||y - p x w||^2 + p (1 - p) ||Gamma w||^2, Gamma the inputs' root of squares.

    Args:
        x: shape (examples, inputs).
        y: shape (examples,).
        weights: shape (inputs,).
        keep: probability that an input is kept, the paper's p.

    Source:
        Srivastava et al. 2014, section 9.1.
    """
    residual = y - keep * (x @ weights)  # (examples,)
    penalty = np.sum(x**2, axis=0) @ weights**2
    return float(residual @ residual + keep * (1 - keep) * penalty)


@cache
def averaging_errors(
    seeds: tuple[int, ...], counts: tuple[int, ...]
) -> tuple[tuple[tuple[float, ...], ...], tuple[float, ...]]:
    """Return the test error of averages over masks, and that of weight scaling, in percent.

    A network with dropout is trained on images of digits; the averages are of probabilities.

    Args:
        seeds: one network each.
        counts: numbers of masks, increasing.

    Returns:
        Errors, one row a seed and one column a count; and the errors of weight scaling.

    Source:
        Srivastava et al. 2014, section 7.5 and fig. 11.
    """
    x, y, x_test, y_test = digits(600)
    averaged, scaled = [], []
    for seed in seeds:
        net = MLP([64, 64, 64, 10], head="multiclass", dropout=0.5, rng=seed)
        net.fit(x, y, epochs=30, learning_rate=0.1, progress=False)
        scaled.append(100 * (1 - net.accuracy(x_test, y_test)))
        total = np.zeros((len(x_test), 10))
        row = []
        for k in range(1, counts[-1] + 1):
            logits = net.forward(x_test, training=True).logits  # one mask an example
            total += net.head.predict(logits)
            if k in counts:
                row.append(float(100 * np.mean(total.argmax(axis=1) != y_test)))
        averaged.append(tuple(row))
    return tuple(averaged), tuple(scaled)


def spread_ratio(seeds: Sequence[int], masks: int = 100) -> list[float]:
    """Return the spread over masks away from the data over that among the data, one a seed.

    A regression in one input that lies in [-1, 1]; "away" is from 2 to 3 on both sides.

    Source:
        Gal and Ghahramani 2016, fig. 2.
    """
    ratios = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        x = rng.uniform(-1, 1, (100, 1))
        y = np.sin(4 * x[:, 0]) + 0.1 * rng.standard_normal(100)
        net = MLP([1, 50, 50, 1], head="regression", dropout=0.1, rng=rng)
        net.fit(x, y, epochs=150, learning_rate=0.05, progress=False)
        among = np.linspace(-1, 1, 41)[:, None]
        away = np.concatenate([np.linspace(-3, -2, 21), np.linspace(2, 3, 21)])[:, None]
        spreads = []
        for where in (among, away):
            drawn = [net.forward(where, training=True).logits for _ in range(masks)]
            spreads.append(float(np.std(drawn, axis=0).mean()))
        ratios.append(spreads[1] / spreads[0])
    return ratios
