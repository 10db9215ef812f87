"""The sheet of the topic *Outputs*: losses that get stuck, padding, costs, and certainty."""

from __future__ import annotations

import copy
import math
from typing import Any

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
    pair,
)
from livegrad_lab.problems._problem import Problem, Refused


def _steepest() -> float:
    """Return where (sigmoid(z) - 1)^2 is steepest, from values of the loss on a grid."""
    z = np.linspace(-4, 4, 800_001)
    loss = (1 / (1 + np.exp(-z)) - 1) ** 2
    return float(z[1:-1][np.argmax(np.abs(loss[2:] - loss[:-2]))])


STUCK = Problem(
    "outputs-stuck",
    "Is the most wrong corrected the most?",
    "by hand",
    "answer = ...\n",
    (
        by_number(
            _steepest,
            0.003,
            {
                "that is the probability there: its logit was asked for": 1 / 3,
                "that is the logit for the label 0": math.log(2),
                "that is where the sigmoid is steepest; the factor p - 1 moves it": 0.0,
            },
        ),
    ),
)

PRICE, WASTE, MEAN = 3.0, 1.0, 100.0


def _cheapest_order() -> float:
    """Return the order of least mean cost, from a sum over a fine grid of demands."""
    demand = (np.arange(400_000) + 0.5) * MEAN / 20_000
    chance = np.exp(-demand / MEAN) / 20_000
    orders = np.arange(100.0, 180.0, 0.25)
    cost = [
        (np.where(demand > q, PRICE * (demand - q), WASTE * (q - demand)) * chance).sum()
        for q in orders
    ]
    best = int(np.argmin(cost))
    near = np.polyfit(orders[best - 8 : best + 9], cost[best - 8 : best + 9], 2)
    return float(-near[1] / (2 * near[0]))


ORDER = Problem(
    "outputs-order",
    "Predict what is to be ordered",
    "by hand",
    "answer = ...\n",
    (
        by_number(
            _cheapest_order,
            0.005,
            {
                "that is the mean, which squared error gives": MEAN,
                "that is the median, which absolute error gives": MEAN * math.log(2),
                "that is the other quantile: too few is what costs more": MEAN * math.log(4 / 3),
                "the share is cost of too few over the sum of both costs": MEAN * math.log(3),
            },
        ),
    ),
)


def _masked(logits: np.ndarray, y: np.ndarray, mask: np.ndarray, over: str = "") -> float:
    """Return the mean loss of the places that count, one after the other."""
    rows: list[list[float]] = []
    for i in range(len(logits)):
        rows.append([])
        for t in range(logits.shape[1]):
            if mask[i, t]:
                z = logits[i, t]
                top = float(z.max())
                total = math.fsum(math.exp(float(v) - top) for v in z)
                rows[-1].append(top + math.log(total) - float(z[y[i, t]]))
    each = [loss for row in rows for loss in row]
    if over == "examples":
        return math.fsum(math.fsum(row) / len(row) for row in rows) / len(rows)
    return math.fsum(each) / (mask.size if over == "all" else len(each))


def _sentences(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    mask = np.arange(5) < np.array([5, 2, 1])[:, None]
    y = np.where(mask, rng.integers(0, 4, (3, 5)), -1)
    return rng.standard_normal((3, 5, 4)), y, mask


def _padding(answer: Called) -> None:
    """The loss, against a sum place by place, and its gradient, against finite differences."""
    for seed in (0, 1):
        logits, y, mask = _sentences(seed)
        said = "masked_loss of 3 examples of 5, 2 and 1 places"
        loss, back = pair(answer(logits, y, mask), said, "loss, gradient")
        faults = {
            "divided by all places: only those that count are to be averaged": (
                _masked(logits, y, mask, "all")
            ),
            "that is a mean of the examples' means: each place counts as often": (
                _masked(logits, y, mask, "examples")
            ),
            "padding is counted too": _masked(logits, y % 4, np.ones_like(mask)),
        }
        agree(number(loss, said), _masked(logits, y, mask), said, faults)
        right = gradient(lambda z, y=y, mask=mask: _masked(z, y, mask), logits)  # type: ignore[misc]
        found = array(back, logits.shape, f"the gradient of {said}")
        others = {
            "the gradient is of the sum: divide by the number of places": right * mask.sum(),
            "divided by all places": right * mask.sum() / mask.size,
        }
        if found[~mask].any():
            raise Refused(
                f"the gradient of {said}: expected 0 at places that do not count, "
                f"got {found[~mask].flat[np.argmax(np.abs(found[~mask]))]:.4g}"
            )
        agree(found, right, f"the gradient of {said}", others, rel=1e-5)


def _padding_extreme(answer: Called) -> None:
    """Logits of a thousand, and NaN where nothing counts."""
    logits, y, mask = _sentences(2)
    logits = 1000 * logits
    logits[~mask] = np.nan
    said = "masked_loss of logits of a thousand, NaN in the padding"
    loss, back = pair(answer(logits, y, mask), said, "loss, gradient")
    agree(number(loss, said), _masked(logits, y, mask), said)
    array(back, logits.shape, f"the gradient of {said}")


PADDING = Problem(
    "outputs-padding",
    "A loss that leaves out the padding",
    "by code",
    '''import numpy as np


def masked_loss(logits, y, mask):
    """Return mean cross-entropy where mask is True, and its gradient: (n, t, k), (n, t), (n, t)."""
    raise NotImplementedError
''',
    (_padding, _padding_extreme),
)


def _cost(p: np.ndarray, y: np.ndarray, threshold: float, fp: float, fn: float) -> float:
    return sum(
        (fp if said and not true else fn if true and not said else 0.0)
        for said, true in zip((p >= threshold).tolist(), (y == 1).tolist(), strict=True)
    )


def _best(p: np.ndarray, y: np.ndarray, fp: float, fn: float) -> float:
    return min(_cost(p, y, t, fp, fn) for t in [*p.tolist(), math.inf])


def _threshold(answer: Called) -> None:
    """The cost at the threshold, against all thresholds that there are."""
    for n, fp, fn, seed in ((60, 1.0, 3.0, 0), (80, 1.0, 10.0, 1), (80, 20.0, 1.0, 2)):
        rng = np.random.default_rng(seed)
        p = rng.random(n).round(2)
        y = (rng.random(n) < p**2).astype(int)  # not calibrated
        said = f"cheapest of {n} cases, fp={fp:g}, fn={fn:g}"
        threshold, cost = pair(answer(p, y, fp, fn), said, "threshold, cost")
        t, c = _edge(threshold, said), number(cost, f"the cost of {said}")
        right = _best(p, y, fp, fn)
        faults = {
            "that is the cost at 0.5": _cost(p, y, 0.5, fp, fn),
            "that is the cost where calibrated probabilities would be cut": _cost(
                p, y, fp / (fp + fn), fp, fn
            ),
            "that is the least cost with both prices exchanged": _best(p, y, fn, fp),
            "that is a mean a case: the sum was asked for": right / n,
        }
        agree(c, right, f"the cost of {said}", faults)
        agree(_cost(p, y, t, fp, fn), c, f"{said}: the cost at its threshold {t:g}, p >= threshold")


def _edge(value: Any, said: str) -> float:
    """Return a threshold, which may be infinite."""
    if isinstance(value, float | np.floating) and value == math.inf:
        return math.inf
    return number(value, f"the threshold of {said}")


def _nobody(answer: Called) -> None:
    """No case is positive: nobody is to be called so, however sure the network is."""
    p, y = np.array([0.2, 0.9, 1.0]), np.zeros(3, int)
    said = "cheapest of three cases, none of them positive"
    threshold, cost = pair(answer(p, y, 1.0, 5.0), said, "threshold, cost")
    agree(number(cost, said), 0.0, f"the cost of {said}")
    agree(_cost(p, y, _edge(threshold, said), 1.0, 5.0), 0.0, f"{said}: the cost at its threshold")


def _sorted_once(answer: Called) -> None:
    """The time of ten thousand cases, against a sort."""
    rng = np.random.default_rng(3)
    p = rng.random(10_000)
    y = (rng.random(10_000) < p).astype(int)
    no_slower(
        lambda: answer.function(p, y, 1.0, 2.0),
        lambda: [np.cumsum(np.sort(p)) for _ in range(10)],
        20,
        "cheapest of 10000 cases",
        "sort the cases once, and count on from one threshold to the next",
    )


THRESHOLD = Problem(
    "outputs-threshold",
    "Who says that it is cut at one half?",
    "by code",
    '''import numpy as np


def cheapest(p, y, fp, fn):
    """Return the threshold of least cost, and that cost: a case is called positive if p >= it."""
    raise NotImplementedError
''',
    (_threshold, _nobody, _sorted_once),
)


def _sure(net: MLP, x: np.ndarray, scale: float) -> float:
    """Return the mean of the largest probability, with the network written out."""
    a = scale * x
    for w, b in zip(net.weights[:-1], net.biases[:-1], strict=True):
        a = np.maximum(a @ w + b, 0)
    z = a @ net.weights[-1] + net.biases[-1]
    return float((1 / np.exp(z - z.max(axis=1, keepdims=True)).sum(axis=1)).mean())


def _net(seed: int) -> tuple[MLP, np.ndarray]:
    rng = np.random.default_rng(seed)
    net = MLP([3, 16, 3], "relu", head="multiclass", rng=rng)
    return net, rng.standard_normal((40, 3))


def _scale(answer: Called) -> None:
    """The mean certainty at the scale that was found, just below it and just above."""
    for seed, level in ((0, 0.9), (1, 0.99), (2, 0.8)):
        net, x = _net(seed)
        said = f"sure_from(net, x, level={level})"
        kept = copy.deepcopy(net)
        found = number(answer(net, x, level), said)
        if any(not np.array_equal(a, b) for a, b in zip(net.weights, kept.weights, strict=True)):
            raise Refused(f"{said}: the network's weights were changed: scale the inputs")
        if not found > 0:
            raise Refused(f"{said}: expected a scale above 0, got {found:g}")
        low, high = _sure(net, x, found / 1.02), _sure(net, x, found * 1.02)
        if not low <= level <= high:
            raise Refused(
                f"{said}: expected a scale at which the mean of the largest probability is "
                f"{level}, got {found:.4g}, where it is {_sure(net, x, found):.4f}"
            )


FAR = Problem(
    "outputs-far",
    "Far from everything, and sure",
    "by experiment",
    '''import numpy as np


def sure_from(net, x, level):
    """Return the scale at which net.predict(scale * x) has the mean largest probability level."""
    raise NotImplementedError
''',
    (_scale,),
)

PROBLEMS = (STUCK, ORDER, PADDING, THRESHOLD, FAR)
