"""What chance alone gives: p-values of paired differences, their correction, intervals, power.

Of a mean difference two things can be found: that it lies on the claimed side of a margin, or on
the other. Each has its own p-value, and neither is what is left where the other is not found.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from livegrad._checks import Array

__all__ = ["both_sides", "holm", "interval", "rank_biserial", "sign_flip_p", "smallest_effect"]

MOST_SEEDS = 20
_RESAMPLES = 4999


def sign_flip_p(differences: ArrayLike) -> float:
    """Return the exact one-sided p-value of "the differences have a mean above 0".

    If each difference were as likely positive as negative, all 2^n flips of their signs would be
    equally likely. The p-value is the share of them whose sum is at least the one seen.

    Args:
        differences: shape (seeds,), at most 20 seeds.

    Raises:
        ValueError: if there are none or too many.

    Examples:
        >>> sign_flip_p([1.0, 2.0, 3.0])
        0.125

    Source:
        Fisher 1935, chapter 3.
    """
    d = np.asarray(differences, dtype=np.float64)  # (seeds,)
    if d.ndim != 1 or not 1 <= len(d) <= MOST_SEEDS:
        raise ValueError(f"differences must be 1 to {MOST_SEEDS} numbers, got shape {d.shape}")
    top = float(np.abs(d).max())
    if top == 0:
        return 1.0
    sums = np.zeros(1)  # doubles with each seed
    for size in np.abs(d) / top:
        sums = np.concatenate([sums + size, sums - size])
    # Sums that differ by rounding alone are equal.
    return float(np.mean(sums >= (d / top).sum() - 1e-9))


def both_sides(differences: ArrayLike, relation: str, margin: float) -> tuple[float, float]:
    """Return the p-values of what is said of the mean difference, and of its contrary.

    The contrary of "above the margin" is "below it", and the contrary of "0 within the margin" is
    that the mean lies beyond it on either side, for which the smaller p-value of the two counts
    twice.

    Args:
        differences: shape (seeds,).
        relation: "above" or "below" the margin, or "equal" to 0 within it.
        margin: the smallest difference that matters.

    Examples:
        >>> both_sides([1.0, 2.0, 3.0], "above", 0.0)
        (0.125, 1.0)
    """
    d = np.asarray(differences, dtype=np.float64)  # (seeds,)
    if relation != "equal":
        above, below = sign_flip_p(d - margin), sign_flip_p(margin - d)
        return (above, below) if relation == "above" else (below, above)
    inside = max(sign_flip_p(d + margin), sign_flip_p(margin - d))
    outside = 2 * min(sign_flip_p(d - margin), sign_flip_p(-margin - d))
    return inside, min(outside, 1.0)


def interval(differences: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Return the bootstrap interval of the mean, bias-corrected and accelerated.

    Always the same for the same numbers: the resampling has its own seed. Where all numbers are
    the same there is nothing to resample, and the interval is that number.

    Args:
        differences: shape (seeds,).
        level: the share of such intervals that are to hold the true mean.

    Examples:
        >>> low, high = interval([0.9, 1.1, 1.0, 0.8, 1.2, 1.0, 0.9, 1.1, 1.0, 1.0])
        >>> low < 1.0 < high
        True

    Source:
        Efron and Tibshirani 1993.
    """
    from scipy.stats import bootstrap

    d = np.asarray(differences, dtype=np.float64)  # (seeds,)
    if np.ptp(d) <= 1e-12 * np.abs(d).max():
        return float(d[0]), float(d[0])
    found = bootstrap(
        (d,),
        np.mean,
        n_resamples=_RESAMPLES,
        confidence_level=level,
        method="BCa",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)


def rank_biserial(differences: ArrayLike) -> float:
    """Return the rank-biserial correlation for matched pairs, from -1 to 1.

    The absolute differences are ranked, zeros left out. It is the rank sum of the positive ones
    minus that of the negative ones, divided by the sum of all; 0 where all are 0.

    Args:
        differences: shape (seeds,).

    Examples:
        >>> rank_biserial([1.0, 2.0, -3.0])
        0.0

    Source:
        Kerby 2014.
    """
    from scipy.stats import rankdata

    d = np.asarray(differences, dtype=np.float64)  # (seeds,)
    d = d[d != 0]
    if d.size == 0:
        return 0.0
    ranks = rankdata(np.abs(d))  # (seeds,)
    return float(np.sum(np.sign(d) * ranks) / ranks.sum())


def holm(p: Sequence[float]) -> Array:
    """Return Holm's corrected p-values, in the order of ``p``.

    The smallest is multiplied by their number, the next by one less, and so on; none may be smaller
    than one before it, and none is above 1.

    Args:
        p: p-values of one family of tests.

    Raises:
        ValueError: if one lies outside [0, 1].

    Examples:
        >>> holm([0.01, 0.04, 0.03])
        array([0.03, 0.06, 0.06])

    Source:
        Holm 1979.
    """
    given = np.asarray(p, dtype=np.float64)  # (tests,)
    if not ((given >= 0) & (given <= 1)).all():
        raise ValueError(f"p must hold numbers from 0 to 1, got {given.tolist()}")
    order = np.argsort(given, kind="stable")
    steps = given[order] * np.arange(len(given), 0, -1)
    corrected = np.empty_like(given)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


@functools.lru_cache(maxsize=64)
def smallest_effect(largest_p: float, seeds: int, power: float = 0.8) -> float:
    """Return how far a mean must lie beyond its margin to be decided, in standard deviations.

    The differences of the seeds are taken to be normal. Where only one of all flips is allowed to
    be as large, all seeds must lie on one side of the margin.

    Args:
        largest_p: the largest p-value that decides a case.
        seeds: how many there are.
        power: with what chance it is to be decided.

    Raises:
        ValueError: if no outcome of so many seeds has such a p-value.
    """
    if largest_p < 2.0**-seeds:
        raise ValueError(f"seeds must be at least {math.ceil(-math.log2(largest_p))}, got {seeds}")
    unsure = np.random.default_rng(0).standard_normal((400, seeds))
    wanted, sure = power * len(unsure), 0
    low, high = 0.0, 5.0
    for _ in range(12):
        middle = (low + high) / 2
        called = np.array([sign_flip_p(row + middle) <= largest_p for row in unsure], dtype=bool)
        # Who is called is called farther out too, and who is not is not nearer by.
        if sure + called.sum() >= wanted:
            high, unsure = middle, unsure[called]
        else:
            low, unsure, sure = middle, unsure[~called], sure + int(called.sum())
    return high
