"""The sheet of the topic *The step*: where it ends, what it averages, how large it may be."""

from __future__ import annotations

import math

import numpy as np

from livegrad_lab.problems._answer import Called, agree, array, by_number, number
from livegrad_lab.problems._problem import Problem, Refused

KINK_RATE, START = 0.1, 1.23


def _end_at_a_kink() -> float:
    """Return the mean distance over many late steps."""
    w, seen = START, []
    for step in range(2000):
        w -= KINK_RATE * math.copysign(1.0, w)
        if step >= 1000:
            seen.append(abs(w))
    return sum(seen) / len(seen)


KINK = Problem(
    "step-kink",
    "A small rate, and no end",
    "by hand",
    "answer = ...\n",
    (
        by_number(
            _end_at_a_kink,
            0.01,
            {
                "the steps do not get smaller near the kink: it jumps over it": 0.0,
                "that is where it stands in every other step": 0.03,
                "that is where it stands in the steps between": 0.07,
                "that is the length of a step": KINK_RATE,
            },
        ),
    ),
)


def _adamw(
    w: np.ndarray, gradients: np.ndarray, rate: float, decay: float, fault: str = ""
) -> np.ndarray:
    """Return the weights after all steps: a corrected mean is a mean with falling weights."""
    w = w.astype(float).copy()
    given = gradients.copy()
    for t in range(1, len(given) + 1):
        if fault == "coupled":
            given[t - 1] = gradients[t - 1] + decay * w
        ages = np.arange(t - 1, -1, -1)[:, None]
        first, second = 0.9**ages, 0.999**ages
        total = first.sum(), second.sum()
        if fault == "raw":
            total = 10.0, 1000.0
        if fault == "late":
            total = (1 - 0.9 ** (t + 1)) * 10.0, (1 - 0.999 ** (t + 1)) * 1000.0
        mean = (first * given[:t]).sum(axis=0) / total[0]
        square = (second * given[:t] ** 2).sum(axis=0) / total[1]
        shrunk = w if fault in ("coupled", "none") else w * (1 - rate * decay)
        if fault == "strong":
            shrunk = w * (1 - decay)
        w = shrunk - rate * mean / (np.sqrt(square) + 1e-8)
    return w


def _adamw_steps(answer: Called) -> None:
    """The weights, against means with falling weights."""
    words = {
        "coupled": "the decay went into the gradient, where Adam divides it: it stands beside",
        "none": "the weights do not decay",
        "strong": "the decay is times the rate",
        "raw": "both means are to be corrected for their start at 0",
        "late": "off by one: the first step has t = 1",
    }
    for steps, d, decay, seed in ((1, 3, 0.1, 0), (7, 4, 0.5, 1), (30, 2, 0.05, 2)):
        rng = np.random.default_rng(seed)
        w, gradients = 3 * rng.standard_normal(d), rng.standard_normal((steps, d))
        said = f"adamw of {steps} steps, rate=0.1, decay={decay}"
        found = array(answer(w, gradients, 0.1, decay), (d,), said)
        faults = {says: _adamw(w, gradients, 0.1, decay, fault) for fault, says in words.items()}
        agree(found, _adamw(w, gradients, 0.1, decay), said, faults)


def _adamw_extreme(answer: Called) -> None:
    """Gradients of 0, and of a size from 1e-12 to 1e12."""
    gradients = np.array([[0.0, 1e-12, 1e12]] * 3)
    said = "adamw of the gradients 0, 1e-12 and 1e12"
    found = array(answer(np.ones(3), gradients, 0.1, 0.0), (3,), said)
    agree(found, _adamw(np.ones(3), gradients, 0.1, 0.0), said)


ADAMW = Problem(
    "step-adamw",
    "Adam, and a decay beside it",
    "by code",
    '''import numpy as np


def adamw(w, gradients, rate, decay):
    """Return the weights (d,) after one step for each row of gradients (steps, d)."""
    raise NotImplementedError
''',
    (_adamw_steps, _adamw_extreme),
)

Parts = list[list[np.ndarray]]


def _norm(arrays: list[np.ndarray]) -> float:
    return math.sqrt(math.fsum(float(v) ** 2 for one in arrays for v in one.ravel()))


def _clipped(parts: Parts, sizes: list[int], limit: float, fault: str = "") -> list[np.ndarray]:
    given = parts
    if fault == "each part":
        given = [[a * min(1, limit / _norm(part)) for a in part] for part in parts]
    shares = [1 / len(sizes) if fault == "parts" else size / sum(sizes) for size in sizes]
    mean = [
        sum((share * part[at] for share, part in zip(shares, given, strict=True)), np.zeros(()))
        for at in range(len(parts[0]))
    ]
    if fault == "each array":
        return [a * min(1, limit / _norm([a])) for a in mean]
    scale = limit / _norm(mean)
    return [a * (scale if fault == "always" else min(1, scale)) for a in mean]


def _accumulated(answer: Called) -> None:
    """The arrays, against sums number by number."""
    words = {
        "parts": "each example counts as often: weigh a part by its size",
        "each part": "clip once, when all parts are in",
        "each array": "the norm is that of all arrays together",
        "always": "what is below the limit stays as it is",
    }
    for sizes, limit, seed in (([32, 32, 5], 1.0, 0), ([4, 1], 100.0, 1), ([7], 0.1, 2)):
        rng = np.random.default_rng(seed)
        parts = [[rng.standard_normal((3, 2)), rng.standard_normal(2)] for _ in sizes]
        said = f"clipped_mean of parts of {sizes} examples, limit={limit:g}"
        found = answer(parts, sizes, limit)
        if not isinstance(found, list) or len(found) != 2:
            raise Refused(f"{said}: expected a list of 2 arrays, got {found!r:.60}")
        right = _clipped(parts, sizes, limit)
        flat = np.concatenate(
            [
                array(one, r.shape, f"{said}, array {at}").ravel()
                for at, (one, r) in enumerate(zip(found, right, strict=True))
            ]
        )
        faults = {
            says: np.concatenate([a.ravel() for a in _clipped(parts, sizes, limit, fault)])
            for fault, says in words.items()
        }
        agree(flat, np.concatenate([a.ravel() for a in right]), said, faults)


def _flat(answer: Called) -> None:
    """Gradients that are all 0."""
    said = "clipped_mean of gradients of 0"
    found = answer([[np.zeros(3)], [np.zeros(3)]], [2, 2], 1.0)
    if not isinstance(found, list) or len(found) != 1:
        raise Refused(f"{said}: expected a list of 1 array, got {found!r:.60}")
    agree(array(found[0], (3,), said), np.zeros(3), said)


ACCUMULATE = Problem(
    "step-accumulate",
    "One step from many small batches",
    "by code",
    '''import numpy as np


def clipped_mean(parts, sizes, limit):
    """Return the gradient of the mean over all examples, its global norm clipped at limit."""
    raise NotImplementedError
''',
    (_accumulated, _flat),
)

NOISY_RATE, CURVATURE = 0.1, 2.0


def _floor() -> float:
    """Return the variance that the steps lead to, by following it."""
    variance = 0.0
    for _ in range(5000):
        variance = (1 - NOISY_RATE * CURVATURE) ** 2 * variance + NOISY_RATE**2
    return variance


FLOOR = Problem(
    "step-floor",
    "Where noisy steps come to rest",
    "by hand",
    "answer = ...\n",
    (
        by_number(
            _floor,
            0.005,
            {
                "they never come to rest: each step adds noise": 0.0,
                "that is the standard deviation": math.sqrt(_floor()),
                "that is for very small rates: the step overshoots a little": (
                    NOISY_RATE / (2 * CURVATURE)
                ),
                "that is what one step adds, and the steps before have left some": NOISY_RATE**2,
            },
        ),
    ),
)


def _bound(curvature: float, momentum: float, nesterov: bool) -> float:
    """Return the largest stable rate from the recursion's two eigenvalues."""

    def grows(rate: float) -> bool:
        rows = {
            False: [[1 - rate * curvature, momentum], [-rate * curvature, momentum]],
            True: [
                [1 - rate * curvature * (1 + momentum), momentum**2],
                [-rate * curvature, momentum],
            ],
        }[nesterov]
        return bool(np.abs(np.linalg.eigvals(np.array(rows))).max() > 1 + 1e-9)

    low, high = 0.0, 8 / curvature
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if grows(middle) else (middle, high)
    return low


def _largest(answer: Called) -> None:
    """The rate, against the eigenvalues of the recursion."""
    for curvature, momentum in ((1.0, 0.0), (4.0, 0.9), (0.5, 0.5), (10.0, 0.99)):
        for nesterov in (False, True):
            said = (
                f"largest_rate(curvature={curvature:g}, momentum={momentum:g}, nesterov={nesterov})"
            )
            found = number(answer(curvature, momentum, nesterov), said)
            right = _bound(curvature, momentum, nesterov)
            faults = {
                "that is the bound without momentum": 2 / curvature,
                "that is Nesterov's": _bound(curvature, momentum, True),
                "that is the bound of plain momentum": _bound(curvature, momentum, False),
            }
            agree(found, right, said, faults, rel=0.02)


LARGEST = Problem(
    "step-largest",
    "Which momentum bears the larger rate?",
    "by experiment",
    '''import numpy as np


def largest_rate(curvature, momentum, nesterov):
    """Return the largest rate with which SGD on curvature w^2 / 2 does not diverge."""
    raise NotImplementedError
''',
    (_largest,),
)

PROBLEMS = (KINK, ADAMW, ACCUMULATE, FLOOR, LARGEST)
