"""Dropout: what its mean over all masks is, and what averaging over some masks gives."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from livegrad import MLP
from livegrad._checks import Array
from livegrad_lab.papers.trained import found
from livegrad_lab.retrained import MASKS
from livegrad_lab.sweep import sweep

__all__ = ["averaging_errors", "enumerated_loss", "ridge_loss", "spread_ratio", "spreads"]


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


def averaging_errors() -> tuple[list[tuple[float, ...]], list[float]]:
    """Return the test error of averages over masks, and that of weight scaling, in percent.

    The network is that of ``trained``, with dropout, at the rate that is best for weight scaling.

    Returns:
        Errors, one row a seed and one column for each of ``trained.MASKS``; and the errors of
        weight scaling.

    Source:
        Srivastava et al. 2014, section 7.5 and fig. 11.
    """
    of, depth, arm = "srivastava-2014", 2, "dropout"
    averaged = [
        found(of, depth, f"average of {count}", rate_of=arm).accuracies for count in MASKS
    ]  # (counts, seeds)
    rows = [
        tuple(100 * (1 - one) for one in accuracies) for accuracies in zip(*averaged, strict=True)
    ]
    return rows, [100 * (1 - one) for one in found(of, depth, arm).accuracies]


RATES = (0.003, 0.01, 0.03, 0.1, 0.3)
"""The rates that the network of ``spread_ratio`` may choose from."""
EPOCHS, MOST = 50, 600


def spreads(seed: int, masks: int = 100) -> list[tuple[float, float]]:
    """Return for each rate the validation loss and the ratio of ``spread_ratio``.

    The network trains until 50 epochs lower its training loss by less than a twentieth, or 600 are
    over.
    """
    tried = []
    for rate in RATES:
        rng = np.random.default_rng(seed)
        (x, y), validation = (_wave(rng) for _ in range(2))
        net = MLP([1, 50, 50, 1], head="regression", dropout=0.1, rng=rng)
        before = math.inf
        for _ in range(0, MOST, EPOCHS):
            net.fit(x, y, epochs=EPOCHS, learning_rate=rate, progress=False)
            after = net.loss(x, y)
            if not after < 0.95 * before:
                break
            before = after
        among = np.linspace(-1, 1, 41)[:, None]
        away = np.concatenate([np.linspace(-3, -2, 21), np.linspace(2, 3, 21)])[:, None]
        sizes = []
        for where in (among, away):
            drawn = [net.forward(where, training=True).logits for _ in range(masks)]
            sizes.append(float(np.std(drawn, axis=0).mean()))
        loss = net.loss(*validation)
        tried.append((loss if math.isfinite(loss) else math.inf, sizes[1] / sizes[0]))
    return tried


def _wave(rng: np.random.Generator) -> tuple[Array, Array]:
    """Return 100 noisy examples of a wave, inputs (100, 1) in [-1, 1] and outputs (100,)."""
    x = rng.uniform(-1, 1, (100, 1))
    return x, np.sin(4 * x[:, 0]) + 0.1 * rng.standard_normal(100)


@cache
def spread_ratio(seeds: tuple[int, ...]) -> tuple[float, tuple[float, ...]]:
    """Return the best rate, and the spread over masks away from the data over that among them.

    A regression in one input that lies in [-1, 1]; "away" is from 2 to 3 on both sides. The best
    rate has the lowest loss on fresh examples, by the mean over the seeds; one ratio a seed.

    Source:
        Gal and Ghahramani 2016, fig. 2.
    """
    tried = np.array(sweep(spreads, [{"seed": seed} for seed in seeds], n_jobs=1))
    at = int(tried[..., 0].mean(axis=0).argmin())  # tried: (seeds, rates, 2)
    return RATES[at], tuple(tried[:, at, 1].tolist())
