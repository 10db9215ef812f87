"""The sheet of the topic *Gradients*: the product, by hand, by code and measured."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from livegrad import MLP
from livegrad_lab.problems._answer import (
    Called,
    agree,
    array,
    by_number,
    gradient,
    no_slower,
    number,
)
from livegrad_lab.problems._problem import Problem, Refused

Weights = list[np.ndarray]
LAYERS = 30
FACTORS = (0.5, 1.5)


def _typical() -> float:
    """Return the median product: as many of the one factor as of the other."""
    chances = np.ones(1)  # of each number of large factors
    for _ in range(LAYERS):
        chances = np.convolve(chances, [0.5, 0.5])
    ups = int(np.searchsorted(np.cumsum(chances), 0.5))
    return float(FACTORS[1] ** ups * FACTORS[0] ** (LAYERS - ups))


TYPICAL = Problem(
    "gradients-typical",
    "The mean product and the usual one",
    "by hand",
    "answer = ...\n",
    (
        by_number(
            _typical,
            0.02,
            {
                "that is the mean over all networks, which a few large products carry": 1.0,
                "that is the product of all small factors, one network in very many": 0.5**LAYERS,
                "that is the square of it: there are half as many pairs as layers": 0.75**LAYERS,
            },
        ),
    ),
)


def _loss(x: np.ndarray, weights: Weights, y: np.ndarray) -> float:
    """Return the mean cross-entropy of deep tanh, from the logits."""
    a = x
    for w in weights[:-1]:
        a = np.tanh(a @ w)
    z = (a @ weights[-1])[:, 0]
    return float(np.logaddexp(0, np.where(y == 1, -z, z)).mean())


def _tanh_network(
    widths: list[int], n: int, seed: int, scale: float = 1.0
) -> tuple[np.ndarray, Weights, np.ndarray]:
    rng = np.random.default_rng(seed)
    weights = [scale * rng.standard_normal((a, b)) / np.sqrt(a) for a, b in pairwise(widths)]
    return rng.standard_normal((n, widths[0])), weights, rng.integers(0, 2, n).astype(float)


def _back(
    x: np.ndarray, weights: Weights, y: np.ndarray, slope: str = "of z", mean: bool = True
) -> np.ndarray:
    """Return the gradient with a usual mistake in it."""
    states = [x]
    for w in weights[:-1]:
        states.append(np.tanh(states[-1] @ w))
    delta = 0.5 * (1 + np.tanh(states[-1] @ weights[-1] / 2)) - y[:, None]
    for w, a in zip(weights[:0:-1], states[:0:-1], strict=True):
        delta = delta @ w.T
        if slope == "of z":
            delta = delta * (1 - a**2)
        elif slope == "of a":
            delta = delta * (1 - np.tanh(a) ** 2)
    return np.asarray(x.T @ delta / (len(x) if mean else 1))


def _first_gradient(answer: Called) -> None:
    """The gradient, against finite differences of the loss."""
    for widths, n in (([3, 4, 1], 5), ([2, 3, 3, 1], 4), ([4, 5, 3, 2, 1], 6)):
        x, weights, y = _tanh_network(widths, n, sum(widths))
        said = f"first_gradient of widths {widths}, {n} examples"
        found = array(answer(x, weights, y), weights[0].shape, said)
        rest = weights[1:]
        right = gradient(lambda w, x=x, y=y, rest=rest: _loss(x, [w, *rest], y), weights[0])  # type: ignore[misc]
        faults = {
            "a factor is missing: the slope of each hidden layer": _back(x, weights, y, "none"),
            "the slope is taken at a, not at z: tanh is applied twice": _back(
                x, weights, y, "of a"
            ),
            "the loss is a mean over the examples, this is of their sum": _back(
                x, weights, y, mean=False
            ),
        }
        agree(found, right, said, faults, rel=1e-5)


def _no_hidden_layer(answer: Called) -> None:
    """A network without a hidden layer, and one example."""
    x, weights, y = _tanh_network([3, 1], 1, 0)
    said = "first_gradient of widths [3, 1], 1 example"
    found = array(answer(x, weights, y), (3, 1), said)
    agree(found, gradient(lambda w: _loss(x, [w], y), weights[0]), said, rel=1e-5)


def _saturated(answer: Called) -> None:
    """Weights a thousand times too large: every number stays finite."""
    x, weights, y = _tanh_network([3, 4, 1], 5, 1, 1000.0)
    array(answer(x, weights, y), (3, 4), "first_gradient of weights a thousand times as large")


def _gradient_in_arrays(answer: Called) -> None:
    """The time, against the same product in whole arrays."""
    x, weights, y = _tanh_network([64, 64, 64, 64, 1], 512, 0)
    no_slower(
        lambda: answer.function(x, weights, y),
        lambda: _back(x, weights, y),
        20,
        "first_gradient of 512 examples",
        "work on the matrix of all examples, and not on one at a time",
    )


FIRST = Problem(
    "gradients-first",
    "The gradient of the first weights",
    "by code",
    '''import numpy as np


def first_gradient(x, weights, y):
    """Return dL/dW_1 of a tanh network: x is (n, d), weights a list of arrays, y is (n,)."""
    raise NotImplementedError
''',
    (_first_gradient, _no_hidden_layer, _saturated, _gradient_in_arrays),
)


def _unrolled(w: np.ndarray, h: np.ndarray, steps: int) -> float:
    for _ in range(steps):
        h = np.tanh(w @ h)
    return float(h.sum())


def _through_time(w: np.ndarray, h: np.ndarray, steps: int, fault: str = "") -> np.ndarray:
    states = [h]
    for _ in range(steps):
        states.append(np.tanh(w @ states[-1]))
    upstream, total = np.ones(len(h)), np.zeros(w.shape)
    for t in range(steps, 0, -1):
        delta = upstream * (1 - states[t] ** 2)
        seen = states[t if fault == "own" else t - 1]
        if fault != "last" or t == steps:
            total += np.outer(delta, seen)
        if fault == "first":
            total = np.outer(delta, seen)
        upstream = (w if fault == "transpose" else w.T) @ delta
    return total


def _recurrent(answer: Called) -> None:
    """The gradient, against finite differences through all steps."""
    for size, steps in ((2, 3), (4, 6), (3, 1)):
        rng = np.random.default_rng(size)
        w, h = rng.standard_normal((size, size)), rng.standard_normal(size)
        said = f"recurrent_gradient of {size} units, steps={steps}"
        found = array(answer(w, h, steps), w.shape, said)
        right = gradient(lambda v, h=h, steps=steps: _unrolled(v, h, steps), w)  # type: ignore[misc]
        faults = {
            "only the last step's share: W is used in each step": _through_time(
                w, h, steps, "last"
            ),
            "only the first step's share: W is used in each step": _through_time(
                w, h, steps, "first"
            ),
            "W and not its transpose leads back": _through_time(w, h, steps, "transpose"),
            "off by one: the state that came into a step belongs there, not the one that left it": (
                _through_time(w, h, steps, "own")
            ),
        }
        agree(found, right, said, faults, rel=1e-5)


def _long_ago(answer: Called) -> None:
    """Two thousand steps: finite, and equal to those of the last fifty."""
    rng = np.random.default_rng(1)
    w, h = 0.4 * np.linalg.qr(rng.standard_normal((5, 5)))[0], rng.standard_normal(5)
    said = "recurrent_gradient of 5 units, steps=2000"
    found = array(answer(w, h, 2000), w.shape, said)
    agree(found, np.zeros(w.shape), said, absolute=1e-12)


RECURRENT = Problem(
    "gradients-recurrent",
    "One matrix, met at each step",
    "by code",
    '''import numpy as np


def recurrent_gradient(w, h, steps):
    """Return d(sum of h_T)/dW for h_t = tanh(W h_(t-1)): w is (n, n), h = h_0 is (n,)."""
    raise NotImplementedError
''',
    (_recurrent, _long_ago),
)


def _damaged(depth: int, at: int, seed: int) -> tuple[MLP, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    net = MLP([20] + depth * [40] + [1], "relu", "he_normal", rng=rng)
    net.weights[at] *= 0.01
    x = rng.standard_normal((128, 20))
    return net, x, (x[:, 0] > 0).astype(int)


def _blamed_layer(answer: Called) -> None:
    """The layer that was damaged, in networks of two to eight hidden layers."""
    for depth, at, seed in ((4, 2, 0), (4, 0, 1), (4, 3, 2), (8, 5, 3), (8, 1, 4), (2, 1, 5)):
        net, x, y = _damaged(depth, at, seed)
        said = f"blame of {depth} hidden layers, weights[{at}] too small"
        found = number(answer(net, x, y), said, whole=True)
        norms = [float(np.linalg.norm(g)) for g in net.backward(net.forward(x), y).weights]
        faults = {
            "the smallest gradient is where the other layers' signal or gradient is lost": float(
                np.argmin(norms)
            ),
            "off by one: delta_l carries the weights of layer l + 1": float(at - 1),
            "off by one: it is the layer after that": float(at + 1),
        }
        agree(found, at, said, faults, absolute=0.1)


def _blamed_none(answer: Called) -> None:
    """A damaged layer among weights of other sizes, and labels of one class alone."""
    net, x, y = _damaged(5, 3, 6)
    net.weights[1] *= 3.0
    found = number(answer(net, x, np.ones_like(y)), "blame of 5 layers", whole=True)
    agree(found, 3, "blame of 5 hidden layers, weights[3] too small", absolute=0.1)


BLAME = Problem(
    "gradients-blame",
    "Which layer is at fault?",
    "by experiment",
    '''from livegrad import measure


def blame(net, x, y):
    """Return the index of the one array of net.weights that is a hundred times too small."""
    raise NotImplementedError
''',
    (_blamed_layer, _blamed_none),
)


def _log_gain(depth: int, width: int, seed: int) -> float:
    """Return the mean log from the law of a layer's factor: no network is drawn.

    Of a layer's units those with a positive sum are open, each with the chance of a coin, and the
    sign of a Gaussian says nothing of its size: a chi-square with as many degrees as are open.
    """
    rng = np.random.default_rng(seed)
    open_units = np.maximum(rng.binomial(width, 0.5, (20000, depth)), 1)
    return float(np.log(rng.chisquare(open_units) * 2 / width).sum(axis=1).mean())


def _logs(answer: Called) -> None:
    """The mean log, against the law of each layer's factor."""
    for depth, width in ((10, 20), (20, 20), (20, 60)):
        said = f"log_gain(depth={depth}, width={width}, networks=200, rng)"
        found = number(answer(depth, width, 200, np.random.default_rng(7)), said)
        right = _log_gain(depth, width, 0)
        error = 4.5 * np.sqrt(depth * 5 / width / 200)
        if abs(found) < 0.3 * abs(right) and abs(right) > 2 * error:
            raise Refused(
                f"{said}: expected about {right:.3g}, got {found:.3g}: take the log of each "
                "network first, and the mean then; the log of the mean is 0"
            )
        if abs(found - right) > error > abs(found - right / 2):
            raise Refused(
                f"{said}: expected about {right:.3g}, got {found:.3g}: that is half of it, the log "
                "of the norm and not of its square"
            )
        agree(found, right, said, absolute=float(error))


def _anew(answer: Called) -> None:
    """Two generators give two results: the networks are drawn from rng."""
    one, two = (answer(10, 20, 20, np.random.default_rng(seed)) for seed in (1, 2))
    if one == two:
        raise Refused(f"log_gain gives {one} for two generators: draw the networks from rng")


USUAL = Problem(
    "gradients-he",
    "He's weights keep the signal, on average",
    "by experiment",
    '''import numpy as np


def log_gain(depth, width, networks, rng):
    """Return the mean over networks of log(|a_depth|^2 / |a_0|^2)."""
    raise NotImplementedError
''',
    (_logs, _anew),
)

PROBLEMS = (TYPICAL, FIRST, RECURRENT, BLAME, USUAL)
