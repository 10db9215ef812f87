"""The sheet of the topic *Initializers*: variances that are forgotten, and units that are equal."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from livegrad import MLP, activations
from livegrad_lab.problems._answer import Called, agree, array, by_number, no_slower, number, pair
from livegrad_lab.problems._problem import Problem, Refused

_GRID = (np.arange(-120000, 120000) + 0.5) / 10000
_WEIGHT = np.exp(-(_GRID**2) / 2) / np.sqrt(2 * np.pi) / 10000
LAYERS = 20
FAN_IN = 100


def _mean(values: np.ndarray) -> float:
    return float((values * _WEIGHT).sum())


def _cut() -> float:
    """Return the standard deviation of a normal that is cut at two, from a sum over the grid."""
    inside = np.abs(_GRID) < 2
    return float(np.sqrt(_mean(inside * _GRID**2) / _mean(inside.astype(float))))


CUT = Problem(
    "initializers-cut",
    "A normal that was cut",
    "by hand",
    "answer = ...\n",
    (
        by_number(
            lambda: _cut() ** LAYERS,
            0.01,
            {
                "that is one layer's factor": 0.87962566,
                "that is the factor of the mean square, not of the size": 0.87962566
                ** (2 * LAYERS),
                "that is the share of draws that are kept, to the power of the layers": (
                    0.954499736**LAYERS
                ),
                "a cut normal has a smaller spread than the one it was cut from": 1.0,
            },
        ),
    ),
)


def _with_biases() -> float:
    """Return the mean square that many layers lead to, by following it."""
    q = 1.0
    for _ in range(200):
        q = FAN_IN * (1 / (3 * FAN_IN)) * q / 2 + 1 / (3 * FAN_IN)
    return q


BIASES = Problem(
    "initializers-biases",
    "What is left are the biases",
    "by hand",
    "answer = ...\n",
    (
        by_number(
            _with_biases,
            0.005,
            {
                "that is without the half that ReLU leaves of the mean square": 0.5 / FAN_IN,
                "that is the biases' variance alone: the next layers pass some of it on": (
                    1 / (3 * FAN_IN)
                ),
                "that forgets the biases, which are drawn anew in each layer": 0.0,
                "that is the mean square of the states, not of the sums": 0.2 / FAN_IN,
            },
        ),
    ),
)


def _sums(weights: list[np.ndarray], x: np.ndarray) -> list[np.ndarray]:
    """Return what goes into each layer's ReLU."""
    found, a = [], x
    for w in weights:
        found.append(a @ w)
        a = np.maximum(found[-1], 0)
    return found


def _scaled(weights: list[np.ndarray], x: np.ndarray, of: str = "sums") -> list[np.ndarray]:
    """Return the weights scaled, with a usual mistake."""
    made, a, old = [], x, x
    for w in weights:
        z = (old if of == "old sums" else a) @ w
        spread = np.sqrt((z**2).mean()) if of == "squares" else z.std()
        if of == "states":
            spread = np.maximum(z, 0).std()
        made.append(w / (spread**2 if of == "variance" else spread))
        a, old = np.maximum(a @ made[-1], 0), np.maximum(old @ w, 0)
    return made


def _unit(answer: Called) -> None:
    """The variance of each layer's sums, measured with what came back."""
    for widths, seed in (([6, 20, 20, 3], 0), ([4, 5], 1), ([10, 30, 8, 30, 2], 2)):
        rng = np.random.default_rng(seed)
        weights = [rng.standard_normal((a, b)) for a, b in pairwise(widths)]
        x = rng.standard_normal((50, widths[0]))
        said = f"unit_variance of widths {widths}"
        found = answer(weights, x)
        if not isinstance(found, list) or len(found) != len(weights):
            raise Refused(f"{said}: expected a list of {len(weights)} arrays, got {found!r:.40}")
        arrays = [
            array(one, w.shape, f"{said}, array {at}")
            for at, (one, w) in enumerate(zip(found, weights, strict=True))
        ]
        faults = {
            "scaled for the sums of the old network: the layers before have changed": "old sums",
            "divided by the variance, and not by its root": "variance",
            "the states after ReLU were scaled, not the sums before it": "states",
            "divided by the root mean square: the mean was to be subtracted": "squares",
        }
        named = {
            words: [float(z.var()) for z in _sums(_scaled(weights, x, of), x)]
            for words, of in faults.items()
        }
        agree([z.var() for z in _sums(arrays, x)], np.ones(len(weights)), said, named)
        for at, (one, w) in enumerate(zip(arrays, weights, strict=True)):
            agree(one / np.linalg.norm(one), w / np.linalg.norm(w), f"{said}, direction of {at}")


def _unit_in_arrays(answer: Called) -> None:
    """The time, against one pass ahead in whole arrays."""
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal((60, 60)) for _ in range(20)]
    x = rng.standard_normal((500, 60))
    hint = "one pass ahead is enough: scale a layer, go on with what it gives then"
    no_slower(
        lambda: answer.function(weights, x),
        lambda: _scaled(weights, x),
        6,
        "unit_variance of 20 layers",
        hint,
    )


UNIT = Problem(
    "initializers-unit",
    "Weights that suit the data",
    "by code",
    '''import numpy as np


def unit_variance(weights, x):
    """Return the arrays scaled: each layer's sums x W get the variance 1. ReLU is between them."""
    raise NotImplementedError
''',
    (_unit, _unit_in_arrays),
)

Function = Callable[[np.ndarray], np.ndarray]


def _two(answer: Called) -> None:
    """Both variances, against sums over a fine grid."""
    for name, q in (("tanh", 1.0), ("sigmoid", 2.0), ("relu", 3.0), ("gelu", 0.5)):
        phi = activations.get(name)

        def value(z: np.ndarray, phi: activations.Activation = phi) -> np.ndarray:
            return phi(z)

        z = np.sqrt(q) * _GRID
        said = f"two_variances({name}, its slope, q={q:g})"
        signal, back = pair(answer(value, phi.derivative, q), said, "signal, gradient")
        square, slope = _mean(phi(z) ** 2), _mean(phi.derivative(z) ** 2)
        faults = {
            "q is missing above: the sums shall have the variance q again": 1 / square,
            "z is q times a standard normal: it has the variance q squared": (
                q / _mean(phi(q * _GRID) ** 2)
            ),
            "the variance of the states: weights of mean 0 see their mean square": (
                q / (square - _mean(phi(z)) ** 2)
            ),
            "q is there for the gradient, and not for the signal": 1 / slope,
        }
        agree(number(signal, said), q / square, f"the signal of {said}", faults, rel=2e-3)
        others = {
            "the square of the mean slope: the mean of the square was asked for": (
                1 / _mean(phi.derivative(z)) ** 2
            ),
            "z is q times a standard normal: it has the variance q squared": (
                1 / _mean(phi.derivative(q * _GRID) ** 2)
            ),
            "that is the signal's": q / square,
        }
        agree(number(back, said), 1 / slope, f"the gradient of {said}", others, rel=2e-3)


TWO = Problem(
    "initializers-two",
    "One variance, both products",
    "by code",
    '''import numpy as np


def two_variances(phi, slope, q):
    """Return the weights' variance times n that keeps q, and the one that keeps the gradient."""
    raise NotImplementedError
''',
    (_two,),
)


def _nearly_equal(noise: float, seed: int) -> tuple[MLP, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((64, 5))
    net = MLP([5, 8, 1], "tanh", rng=0)
    net.weights[0][:] = rng.standard_normal((5, 1)) / 2 + noise * rng.standard_normal((5, 8))
    net.weights[1][:] = 0.5
    return net, x, (x[:, 0] * x[:, 1] > 0).astype(int)


def _part(net: MLP, x: np.ndarray, y: np.ndarray, axis: int = 1) -> int:
    """Return the steps, with the descent written out."""
    w, b = net.weights[0].copy(), net.biases[0].copy()
    v, c = net.weights[1].copy(), net.biases[1].copy()
    for step in range(3001):
        away = w - w.mean(axis=axis, keepdims=True)
        if np.linalg.norm(away) >= 0.2 * np.linalg.norm(w):
            return step
        a = np.tanh(x @ w + b)
        delta = (0.5 * (1 + np.tanh((a @ v + c) / 2)) - y[:, None]) / len(x)
        below = delta @ v.T * (1 - a**2)
        w, b = w - 0.5 * x.T @ below, b - 0.5 * below.sum(axis=0)
        v, c = v - 0.5 * a.T @ delta, c - 0.5 * delta.sum(axis=0)
    return 3000


def _parted(answer: Called) -> None:
    """The number of steps, against a descent that is written out."""
    for noise, seed in ((0.01, 1), (0.0001, 2), (0.5, 3)):
        net, x, y = _nearly_equal(noise, seed)
        said = f"steps_to_part with noise {noise:g}"
        found = number(answer(net, x, y), said, whole=True)
        right = _part(net, x, y)
        faults = {
            "off by one: count the steps that were taken": float(right - 1),
            "off by one: look before each step": float(right + 1),
            "the other axis: a unit's weights are a column": float(_part(net, x, y, axis=0)),
        }
        agree(found, right, said, faults, rel=0, absolute=0.1)


def _never(answer: Called) -> None:
    """Units that are exactly equal: it ends after three thousand steps."""
    net, x, y = _nearly_equal(0.0, 4)
    said = "steps_to_part with noise 0"
    found = number(answer(net, x[:16], y[:16]), said, whole=True)
    agree(found, 3000, said, rel=0, absolute=0.1)


PART = Problem(
    "initializers-part",
    "How long do nearly equal units stay together?",
    "by experiment",
    '''import numpy as np


def steps_to_part(net, x, y):
    """Return how many steps net.fit takes until the spread of its first units is a fifth."""
    raise NotImplementedError
''',
    (_parted, _never),
)

PROBLEMS = (CUT, BIASES, UNIT, TWO, PART)
