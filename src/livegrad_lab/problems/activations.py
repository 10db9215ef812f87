"""The sheet of the topic *Activations*: moments, stable formulas, dead units."""

from __future__ import annotations

import numpy as np

from livegrad_lab.problems._answer import (
    Called,
    agree,
    array,
    by_number,
    gradient,
    no_slower,
    number,
    pair,
)
from livegrad_lab.problems._problem import Problem

# Midpoints of a fine grid, and the normal distribution's weight of each.
_GRID = (np.arange(-120000, 120000) + 0.5) / 10000
_WEIGHT = np.exp(-(_GRID**2) / 2) / np.sqrt(2 * np.pi) / 10000


def _mean(values: np.ndarray) -> float:
    """Return the mean of a function of a standard normal number, as a sum over the grid."""
    return float((values * _WEIGHT).sum())


def _relu_variance() -> float:
    relu = np.maximum(_GRID, 0)
    return _mean((relu - _mean(relu)) ** 2)


VARIANCE = Problem(
    "activations-variance",
    "Does ReLU halve the variance?",
    "by hand",
    "answer = ...\n",
    (
        by_number(
            _relu_variance,
            0.002,
            {
                "that is the mean square: the mean was not subtracted": 0.5,
                "that is the square of the mean": 1 / (2 * np.pi),
                "that is the mean": 1 / np.sqrt(2 * np.pi),
                "that is the standard deviation": np.sqrt(0.5 - 1 / (2 * np.pi)),
            },
        ),
    ),
)


def _mish(z: np.ndarray) -> np.ndarray:
    """Return it as a fraction of powers of e^z, without a logarithm or a tanh."""
    w = np.exp(z)
    return np.asarray(z * (w * w + 2 * w) / (w * w + 2 * w + 2))


def _mish_values(answer: Called) -> None:
    """The value, against a fraction of exponentials."""
    for z in (np.linspace(-6.0, 6.0, 8), np.array([[0.5, -0.5], [1.5, -2.5]])):
        said = answer.said(z)
        value, _ = pair(answer(z), said, "value, slope")
        agree(
            array(value, z.shape, said),
            _mish(z),
            said,
            {"that is softplus": np.log1p(np.exp(z)), "the factor z is missing": _mish(z) / z},
            rel=1e-9,
        )


def _mish_slope(answer: Called) -> None:
    """The slope, against finite differences of the value."""
    z = np.linspace(-5.3, 5.2, 8)
    said = f"the slope of {answer.said(z)}"
    _, slope = pair(answer(z), said, "value, slope")
    t = np.tanh(np.log1p(np.exp(z)))
    sigmoid = 1 / (1 + np.exp(-z))
    right = np.array([float(gradient(lambda v: float(_mish(v)), np.array(one))) for one in z])
    faults = {
        "the product rule has a second term": t,
        "only the second term of the product rule": z * (1 - t**2) * sigmoid,
        "the chain rule goes through softplus too: its slope is missing": t + z * (1 - t**2),
    }
    agree(array(slope, z.shape, said), right, said, faults)


def _mish_extreme(answer: Called) -> None:
    """Inputs of a thousand on both sides: 0 and z, with the slopes 0 and 1."""
    z = np.array([-1000.0, -40.0, 40.0, 1000.0])
    said = answer.said(z)
    value, slope = pair(answer(z), said, "value, slope")
    agree(array(value, z.shape, said), [0, 0, 40, 1000], said, absolute=1e-9)
    agree(array(slope, z.shape, said), [0, 0, 1, 1], f"the slope of {said}", absolute=1e-9)


def _mish_in_arrays(answer: Called) -> None:
    """The time, against a formula in whole arrays."""
    z = np.random.default_rng(0).standard_normal(200_000)
    hint = "work on the whole array, and not on one entry at a time"
    no_slower(lambda: answer.function(z), lambda: _mish(z), 40, "mish of 200000 numbers", hint)


MISH = Problem(
    "activations-mish",
    "A new activation, for any float",
    "by code",
    '''import numpy as np


def mish(z):
    """Return z tanh(ln(1 + e^z)) and its slope, both in the shape of z."""
    raise NotImplementedError
''',
    (_mish_values, _mish_slope, _mish_extreme, _mish_in_arrays),
)


def _dead(answer: Called) -> None:
    """The share, against a count unit by unit."""
    for seed, shift in ((0, -2.0), (1, -3.0), (2, 0.0)):
        rng = np.random.default_rng(seed)
        w, x = rng.standard_normal((6, 40)) / np.sqrt(6), rng.standard_normal((30, 6))
        b = np.full(40, shift)
        said = f"dead_share of 40 units with the bias {shift:g}, 30 examples"
        found = number(answer(w, b, x), said)
        z = [[float(x[i] @ w[:, j] + b[j]) for j in range(40)] for i in range(30)]
        right = sum(all(row[j] <= 0 for row in z) for j in range(40)) / 40
        shut = np.array(z) <= 0
        faults = {
            "that is the share of zeros: a unit is dead if no example opens it": shut.mean(),
            "that is the share of examples that open no unit: the other axis": shut.all(1).mean(),
            "that is the share of units that some example shuts": shut.any(0).mean(),
            "that is a number of units, and not a share": right * 40,
        }
        agree(found, right, said, faults)


def _dead_at_the_kink(answer: Called) -> None:
    """Sums of exactly 0 open no unit."""
    said = "dead_share of weights and biases of 0"
    found = number(answer(np.zeros((3, 4)), np.zeros(4), np.ones((5, 3))), said)
    agree(found, 1.0, said, {"at 0 the slope is 0 too, as the libraries have it": 0.0})


DEAD = Problem(
    "activations-dead",
    "Zeros are not yet dead units",
    "by code",
    '''import numpy as np


def dead_share(w, b, x):
    """Return the share of ReLU units that learn from no example: w is (d, k), b (k,), x (n, d)."""
    raise NotImplementedError
''',
    (_dead, _dead_at_the_kink),
)


def _opens(slope: float, x: np.ndarray, w: float, b: float, rate: float) -> int:
    """Return the first step that opens the unit, from the closed form of a linear recursion."""
    inputs = np.stack([x, np.ones(len(x))])  # (2, n)
    second = inputs @ inputs.T / len(x)
    values, vectors = np.linalg.eigh(second)
    end = np.linalg.solve(slope * second, inputs.mean(axis=1))
    away = vectors.T @ (np.array([w, b]) - end)
    low, high = 0, 1
    while True:
        there = end + vectors @ ((1 - rate * slope**2 * values) ** high * away)
        if (there @ inputs).max() > 0:
            break
        low, high = high, 2 * high
    for n in range(low, high + 1):
        there = end + vectors @ ((1 - rate * slope**2 * values) ** n * away)
        if (there @ inputs).max() > 0:
            return n
    return high


def _opens_wrongly(
    slope: float, x: np.ndarray, w: float, b: float, rate: float, ahead: float, back: float
) -> int:
    """Return the same by steps, with other slopes on the way ahead and on the way back."""
    n = 0
    while (w * x + b).max() <= 0 and n < 200_000:
        delta = (ahead * (w * x + b) - 1) * back
        w, b, n = w - rate * (delta * x).mean(), b - rate * delta.mean(), n + 1
    return n


def _revived(answer: Called) -> None:
    """The number of steps, against the closed form of the recursion."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(20)
    for slope, b, rate in ((0.3, -5.0, 0.1), (0.1, -4.0, 0.2), (0.05, -3.0, 0.5)):
        said = f"steps_to_open(slope={slope}, x, w=0.5, b={b:g}, rate={rate})"
        found = number(answer(slope, x, 0.5, b, rate), said, whole=True)
        right = _opens(slope, x, 0.5, b, rate)
        faults = {
            "off by one: count the steps that were taken": float(right - 1),
            "off by one: look before each step, not behind it": float(right + 1),
            "the slope is missing on the way back": float(
                _opens_wrongly(slope, x, 0.5, b, rate, slope, 1.0)
            ),
            "the slope is missing on the way ahead: the unit gives slope * z, not 0": float(
                _opens_wrongly(slope, x, 0.5, b, rate, 0.0, slope)
            ),
        }
        agree(found, right, said, faults, rel=0, absolute=0.1)


def _open_already(answer: Called) -> None:
    """A unit that is open takes no step."""
    said = "steps_to_open of a unit with the bias 1"
    found = number(answer(0.1, np.zeros(3), 0.5, 1.0, 0.1), said, whole=True)
    agree(found, 0, said, rel=0, absolute=0.1)


REVIVE = Problem(
    "activations-revive",
    "How long does a leaky unit stay shut?",
    "by experiment",
    '''import numpy as np


def steps_to_open(slope, x, w, b, rate):
    """Return how many steps of descent open one leaky unit for one of the inputs x (n,)."""
    raise NotImplementedError
''',
    (_revived, _open_already),
)


def _standardised_gain() -> float:
    return _mean(np.where(_GRID > 0, 1.0, 0.0)) / _relu_variance()


GAIN = Problem(
    "activations-standardised",
    "Who keeps the signal grows the gradient",
    "by hand",
    "answer = ...\n",
    (
        by_number(
            _standardised_gain,
            0.002,
            {
                "that is the slope's mean square before the division by the variance": 0.5,
                "divided by the mean square: the mean was to be subtracted": 1.0,
                "that is the gain of the gradient's size: its square was asked for": np.sqrt(
                    np.pi / (np.pi - 1)
                ),
                "that is the other way round": (np.pi - 1) / np.pi,
            },
        ),
    ),
)

PROBLEMS = (VARIANCE, MISH, DEAD, REVIVE, GAIN)
