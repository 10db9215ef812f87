"""The sheet of the topic *Shortcuts*: normalisation and its way back, paths, attention, company."""

from __future__ import annotations

import itertools
import math

import numpy as np

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

RATE, STEPS = 0.1, 10_000


def _norm_squared(power: int = 1) -> float:
    """Return |w|^2 after the steps, one by one: each is at right angles to w."""
    square = 1.0
    for _ in range(STEPS):
        square += RATE**2 / square**power
    return square


INVARIANT = Problem(
    "shortcuts-invariant",
    "The rate that falls by itself",
    "by hand",
    "answer = ...\n",
    (
        by_number(
            lambda: 1 / _norm_squared(),
            0.02,
            {
                "w grows: each step is at right angles to it": 1.0,
                "the gradient gets smaller as w gets larger, by 1 / |w|": 1 / _norm_squared(0),
                "that is 1 / |w|: the angle is the step over |w|, and the step has it too": (
                    _norm_squared() ** -0.5
                ),
                "that is |w|^2, its other way round": _norm_squared(),
            },
        ),
    ),
)


def _normed(x: np.ndarray, gamma: np.ndarray) -> np.ndarray:
    """Return layer normalisation, written by the pairs of differences in a row."""
    d = x.shape[1]
    squares = ((x[:, :, None] - x[:, None, :]) ** 2).sum(axis=(1, 2)) / (2 * d * d)
    centred = (x * d - x.sum(axis=1, keepdims=True)) / d
    return np.asarray(gamma * centred / np.sqrt(squares + 1e-3)[:, None])


def _normed_back(
    x: np.ndarray, gamma: np.ndarray, upstream: np.ndarray, fault: str = ""
) -> np.ndarray:
    axis = 0 if fault == "axis" else 1
    s = np.sqrt(x.var(axis=axis, keepdims=True) + 1e-3)
    hat = (x - x.mean(axis=axis, keepdims=True)) / s
    d = upstream if fault == "gamma" else upstream * gamma
    below = d
    if fault != "constant":
        below = below - d.mean(axis=axis, keepdims=True)
    if fault not in ("constant", "mean"):
        below = below - hat * (d * hat).mean(axis=axis, keepdims=True)
    return np.asarray(below / s)


def _norm_gradient(answer: Called) -> None:
    """The gradient, against finite differences."""
    words = {
        "constant": "mean and variance were taken for constants: they depend on x as well",
        "mean": "the variance was taken for a constant: it depends on x as well",
        "axis": "the other axis: that is batch normalisation",
        "gamma": "gamma is missing",
    }
    for n, d, seed in ((3, 4, 0), (5, 3, 1), (1, 6, 2)):
        rng = np.random.default_rng(seed)
        x, gamma = 2 + rng.standard_normal((n, d)), rng.random(d) + 0.5
        upstream = rng.standard_normal((n, d))
        said = f"norm_backward of shape {(n, d)}"
        found = array(answer(x, gamma, upstream), (n, d), said)
        right = gradient(
            lambda v, gamma=gamma, upstream=upstream: float((_normed(v, gamma) * upstream).sum()),  # type: ignore[misc]
            x,
        )
        faults = {
            said: _normed_back(x, gamma, upstream, fault)
            for fault, said in words.items()
            if n > 1 or fault != "axis"
        }
        agree(found, right, said, faults, rel=1e-5)


def _norm_flat(answer: Called) -> None:
    """A row of equal numbers, and one far from zero."""
    x = np.array([[3.0, 3.0, 3.0], [1e6, 1e6 + 1, 1e6 + 2]])
    up = np.array([[1.0, 2.0, 4.0], [1.0, 0.0, 0.0]])
    said = "norm_backward of the rows (3, 3, 3) and (1000000, 1000001, 1000002)"
    found = array(answer(x, np.ones(3), up), (2, 3), said)
    flat = (up[0] - up[0].mean()) / math.sqrt(1e-3)
    near = _normed_back(x[1:] - 1e6, np.ones(3), up[1:])[0]
    agree(found, np.array([flat, near]), said)


NORM = Problem(
    "shortcuts-norm",
    "The way back through a normalisation",
    "by code",
    '''import numpy as np


def norm_backward(x, gamma, upstream):
    """Return dL/dx of gamma (x - mean) / sqrt(var + 0.001) over the last axis: x is (n, d)."""
    raise NotImplementedError
''',
    (_norm_gradient, _norm_flat),
)


def _attended(q: np.ndarray, k: np.ndarray, v: np.ndarray, fault: str = "") -> np.ndarray:
    """Return causal attention, a place at a time."""
    rows = []
    n, d = q.shape
    for at in range(n):
        seen = n if fault == "all" else at + (0 if fault == "before" and at else 1)
        scores = [float(q[at] @ k[j]) / (1 if fault == "scale" else math.sqrt(d)) for j in range(n)]
        top = max(scores if fault == "late" else scores[:seen])
        weights = [math.exp(min(score - top, 700)) for score in scores]
        total = sum(weights) if fault == "late" else sum(weights[:seen])
        rows.append(sum(weights[j] / total * v[j] for j in range(seen)))
    return np.array(rows)


def _causal(answer: Called) -> None:
    """The output, against one place after the other."""
    words = {
        "no place may see what comes after it": "all",
        "a place sees itself too": "before",
        "the scores are divided by the root of d": "scale",
        "the weights were cut off behind the softmax: they no longer sum to 1": "late",
    }
    for n, d, seed in ((4, 3, 0), (6, 2, 1), (1, 5, 2)):
        rng = np.random.default_rng(seed)
        q, k, v = (rng.standard_normal((n, d)) for _ in range(3))
        said = f"causal_attention of {n} places, d={d}"
        faults = {said: _attended(q, k, v, fault) for said, fault in words.items()}
        agree(array(answer(q, k, v), (n, d), said), _attended(q, k, v), said, faults)


def _causal_extreme(answer: Called) -> None:
    """Scores of ten thousand, of both signs."""
    rng = np.random.default_rng(3)
    q, k, v = 100 * rng.standard_normal((5, 4)), 100 * rng.standard_normal((5, 4)), np.eye(5, 4)
    said = "causal_attention of scores of ten thousand"
    agree(array(answer(q, k, v), (5, 4), said), _attended(q, k, v), said)


def _causal_in_arrays(answer: Called) -> None:
    """The time, against a place at a time."""
    rng = np.random.default_rng(4)
    q, k, v = (rng.standard_normal((60, 8)) for _ in range(3))
    no_slower(
        lambda: answer.function(q, k, v),
        lambda: _attended(q, k, v),
        2,
        "causal_attention of 60 places",
        "make the scores of all places as one matrix",
    )


CAUSAL = Problem(
    "shortcuts-causal",
    "Attention that sees no future",
    "by code",
    '''import numpy as np


def causal_attention(q, k, v):
    """Return what each place attends to, itself and those before it: all arrays are (n, d)."""
    raise NotImplementedError
''',
    (_causal, _causal_extreme, _causal_in_arrays),
)


def _counted(jacobians: list[np.ndarray], v: np.ndarray) -> np.ndarray:
    """Return each length's share as a sum over all choices of branches."""
    count = len(jacobians)
    found = np.zeros((count + 1, len(v)))
    for length in range(count + 1):
        for chosen in itertools.combinations(range(count), length):
            there = v
            for at in chosen:
                there = jacobians[at] @ there
            found[length] += there
    return found


def _paths(answer: Called) -> None:
    """Each length's share, against a sum over all paths."""
    for count, d, seed in ((2, 2, 0), (5, 3, 1), (1, 4, 2)):
        rng = np.random.default_rng(seed)
        jacobians = [rng.standard_normal((d, d)) for _ in range(count)]
        v = rng.standard_normal(d)
        said = f"by_length of {count} blocks, d={d}"
        found = array(answer(jacobians, v), (count + 1, d), said)
        faults = {
            "the order is turned round: the first block is the first that v meets": _counted(
                jacobians[::-1], v
            ),
            "each path is counted once: a block is passed by its branch or by its shortcut": (
                np.cumsum(_counted(jacobians, v), axis=0)
            ),
        }
        agree(found, _counted(jacobians, v), said, faults)


def _many_paths(answer: Called) -> None:
    """Sixty blocks, whose paths nobody can count: together they are the product."""
    rng = np.random.default_rng(3)
    jacobians = [0.2 * rng.standard_normal((4, 4)) for _ in range(60)]
    v = rng.standard_normal(4)
    said = "by_length of 60 blocks"
    found = array(answer(jacobians, v), (61, 4), said)
    whole = v
    for jacobian in jacobians:
        whole = whole + jacobian @ whole
    agree(found.sum(axis=0), whole, f"the sum of all lengths of {said}")
    agree(found[0], v, f"the path without a branch of {said}")
    agree(found[1], sum(j @ v for j in jacobians), f"the paths with one branch of {said}")


PATHS = Problem(
    "shortcuts-paths",
    "How long are the paths that count?",
    "by code",
    '''import numpy as np


def by_length(jacobians, v):
    """Return (L + 1, d): of the product of all I + J_l, times v, the paths of k branches a row."""
    raise NotImplementedError
''',
    (_paths, _many_paths),
)


def _spread(x: np.ndarray, at: int, size: int, fault: str = "") -> float:
    """Return the spread over many batches."""
    others = np.delete(x, at)
    # The order of random numbers is a shuffle: a row's first places are drawn without replacement.
    shuffled = np.random.default_rng(99).random((20_000, len(others))).argsort(axis=1)
    batches = others[shuffled[:, :size]]
    if fault != "alone":
        batches[:, 0] = x[at]
    apart = x[at] - batches.mean(axis=1)
    if fault == "mean":
        return float(apart.std())
    return float((apart / np.sqrt(batches.var(axis=1, ddof=int(fault == "ddof")) + 1e-3)).std())


def _company(answer: Called) -> None:
    """The spread, against twenty thousand batches."""
    words = {
        "the example must be in its batch": "alone",
        "the batch's variance is the mean square, ddof=0": "ddof",
        "the division by the batch's spread is missing": "mean",
    }
    rng = np.random.default_rng(0)
    x = rng.standard_normal(60)
    x[3], x[10] = 1.5, -2.0
    for at, size in ((3, 6), (10, 8)):
        said = f"company(x, at={at}, size={size}, draws=3000, rng)"
        found = number(answer(x, at, size, 3000, np.random.default_rng(5)), said)
        faults = {said: _spread(x, at, size, fault) for said, fault in words.items()}
        agree(found, _spread(x, at, size), said, faults, rel=0.06, wide=0.3)
    one, two = (answer(x, 3, 4, 20, np.random.default_rng(seed)) for seed in (1, 2))
    if one == two:
        raise Refused("company gives the same for two generators: draw the batches from rng")


def _all_of_it(answer: Called) -> None:
    """A batch of all examples has one company."""
    x = np.arange(12.0)
    said = "company of a batch of all 12 examples"
    agree(number(answer(x, 0, 12, 50, np.random.default_rng(0)), said), 0.0, said)


COMPANY = Problem(
    "shortcuts-company",
    "An example in changing company",
    "by experiment",
    '''import numpy as np


def company(x, at, size, draws, rng):
    """Return the spread of x[at], normalised in batches of itself and size - 1 others of x (n,)."""
    raise NotImplementedError
''',
    (_company, _all_of_it),
)

PROBLEMS = (INVARIANT, NORM, CAUSAL, PATHS, COMPANY)
