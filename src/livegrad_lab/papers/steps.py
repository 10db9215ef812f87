"""The step in numbers: how long Adam's can be, where descent turns unstable, what float16 loses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

from livegrad._checks import Array
from livegrad.optimizers import SGD, Adam

__all__ = [
    "adam_length",
    "first_true",
    "largest_curvature",
    "longest_gradients",
    "lost_below",
    "lost_ratio",
    "score_variance",
    "sparse_bound",
]


def adam_length(gradients: Iterable[float], beta_1: float = 0.9, beta_2: float = 0.999) -> float:
    """Return the last of Adam's steps with these gradients, over the rate.

    Args:
        gradients: of one weight, one a step.
        beta_1: see ``livegrad.optimizers.Adam``.
        beta_2: the same.
    """
    adam, w, before = Adam(1.0, beta_1, beta_2, epsilon=1e-300), np.zeros(1), np.zeros(1)
    for gradient in gradients:
        before = w.copy()
        adam.step([w], [np.array([gradient])])
    return float(abs(w - before)[0])


def sparse_bound(beta_1: float = 0.9, beta_2: float = 0.999) -> float:
    """Return the longest step over the rate, as the paper has it, where the first term is larger.

    Source:
        Kingma and Ba 2015, section 2.1.
    """
    return (1 - beta_1) / math.sqrt(1 - beta_2)


def longest_gradients(steps: int, beta_1: float = 0.9, beta_2: float = 0.999) -> Array:
    """Return the gradients that make the last of so many steps of Adam's the longest there is.

    The step is a sum of gradients with the weights beta_1^i over the root of a sum of their squares
    with the weights beta_2^i, for i steps ago. By Cauchy and Schwarz it is longest where the
    gradients are as (beta_1 / beta_2)^i.
    """
    return np.asarray((beta_1 / beta_2) ** np.arange(steps - 1, -1, -1.0))


def first_true(holds: Callable[[float], bool], low: float, high: float, rounds: int = 60) -> float:
    """Return where a condition begins to hold, by halving; it must not at low and must at high."""
    if holds(low) or not holds(high):
        raise ValueError(f"the condition must begin to hold between {low} and {high}")
    for _ in range(rounds):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def largest_curvature(rate: float, momentum: float = 0.0) -> float:
    """Return the curvature times the rate from which descent on a parabola gets away from 0.

    Source:
        Cohen et al. 2021, section 2: 2, without momentum.
    """

    def escapes(product: float) -> bool:
        w, sgd = np.ones(1), SGD(rate, momentum)
        for _ in range(1000):
            sgd.step([w], [product / rate * w])
            if not abs(w[0]) < 1e6:
                return True
        return bool(abs(w[0]) > 1)

    return first_true(escapes, 0.5, 8.0, rounds=16)


def lost_below(kind: type[np.floating]) -> float:
    """Return the size below which a number is rounded to 0 in this type."""
    return first_true(lambda size: bool(kind(size) != 0), 0.0, 1.0)


def lost_ratio(weight: float, kind: type[np.floating] = np.float16) -> float:
    """Return from which ratio of weight to update on an addition may leave the weight as it was.

    Source:
        Micikevicius et al. 2018, section 3.1: 2048.
    """
    start = kind(weight)
    updates = np.arange(1, 2**15, dtype=np.uint16).view(np.float16).astype(np.float64)
    updates = updates[updates < weight]
    lost = updates[(start + updates.astype(kind)).astype(kind) == start]
    return weight / float(lost.max())


def score_variance(key: int, seed: int, pairs: int = 20_000) -> float:
    """Return the variance of the dot products of queries and keys with standard normal entries.

    Source:
        Vaswani et al. 2017, section 3.2.1, the footnote.
    """
    queries, keys = np.random.default_rng(seed).standard_normal((2, pairs, key))
    return float((queries * keys).sum(axis=1).var())
