"""The sheet of the topic *Inputs*: first and last losses, honest scaling, honest folds."""

from __future__ import annotations

import math

import numpy as np

from livegrad_lab.problems._answer import Called, agree, array, by_number, no_slower, number, pair
from livegrad_lab.problems._problem import Problem, Refused

CLASSES, LOSS = 10_000, 11.3


def _variance() -> float:
    """Return the logits' variance that gives this loss, by halving an interval on a grid."""
    grid = (np.arange(-120_000, 120_000) + 0.5) / 10_000
    density = np.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi) / 10_000
    low, high = 0.0, 9.0
    for _ in range(60):
        middle = (low + high) / 2
        loss = math.log(CLASSES) + math.log(
            float((np.exp(math.sqrt(middle) * grid) * density).sum())
        )
        low, high = (middle, high) if loss < LOSS else (low, middle)
    return low


SPREAD = Problem(
    "inputs-spread",
    "What the first loss says of the logits",
    "by hand",
    "answer = ...\n",
    (
        by_number(
            _variance,
            0.01,
            {
                "that is half of it": LOSS - math.log(CLASSES),
                "that is the standard deviation": math.sqrt(2 * (LOSS - math.log(CLASSES))),
                "that is the loss over that of even chances": LOSS / math.log(CLASSES),
            },
        ),
    ),
)

FLIPPED = 0.1


def _least() -> float:
    """Return the least mean loss of a network that knows the truth, over what it may say."""
    p = np.linspace(0.0005, 0.9995, 200_000)
    return float((-(1 - FLIPPED) * np.log(p) - FLIPPED * np.log(1 - p)).min())


FLIPS = Problem(
    "inputs-flips",
    "A loss that is too good",
    "by hand",
    "answer = ...\n",
    (
        by_number(
            _least,
            0.002,
            {
                "that is in bits": _least() / math.log(2),
                "that is the loss of the right labels alone": -math.log(1 - FLIPPED),
                "that is the share of flipped labels, the least *error*": FLIPPED,
                "that is the loss of the flipped labels alone": -math.log(FLIPPED),
            },
        ),
    ),
)


def _scaled(train: np.ndarray, test: np.ndarray, by: np.ndarray, ddof: int = 0) -> np.ndarray:
    """Return the test rows scaled by the numbers of others, one at a time."""
    found = np.zeros(test.shape)
    for j in range(test.shape[1]):
        seen = [float(v) for v in by[:, j] if not math.isnan(v)]
        if not seen:
            continue
        start = seen[0]  # so that sums stay small
        mean = start + math.fsum(v - start for v in seen) / len(seen)
        spread = math.sqrt(math.fsum((v - mean) ** 2 for v in seen) / max(len(seen) - ddof, 1))
        for i in range(len(test)):
            if spread > 0 and not math.isnan(test[i, j]):
                found[i, j] = (test[i, j] - mean) / spread
    return found


def _standardised(answer: Called) -> None:
    """Both arrays, against numbers that are computed one by one."""
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        train, test = 5 + rng.random((20, 3)), 6 + 2 * rng.random((7, 3))
        said = "standardised of 20 rows and 7 others"
        one, two = pair(answer(train, test), said, "train, test")
        faults = {
            "the spread is the root of the mean square, ddof=0": _scaled(train, train, train, 1),
        }
        agree(array(one, train.shape, said), _scaled(train, train, train), said, faults)
        others = {
            "the others are scaled by their own numbers: use those of train": _scaled(
                train, test, test
            ),
            "the numbers are of both together: use those of train": _scaled(
                train, test, np.concatenate([train, test])
            ),
            "the spread is the root of the mean square, ddof=0": _scaled(train, test, train, 1),
        }
        agree(array(two, test.shape, said), _scaled(train, test, train), said, others)


def _holes(answer: Called) -> None:
    """Missing numbers, a constant column, an empty one, and one far from zero."""
    rng = np.random.default_rng(2)
    train, test = rng.random((9, 5)), rng.random((4, 5))
    train[2, 0] = train[5, 0] = test[1, 0] = np.nan
    train[:, 1] = 0.1
    train[:, 2] = np.nan
    train[:, 3] += 1e9
    test[:, 3] += 1e9
    said = "standardised with NaN, a constant column and an empty one"
    one, two = pair(answer(train, test), said, "train, test")
    agree(array(one, train.shape, said), _scaled(train, train, train), said, rel=1e-5)
    agree(array(two, test.shape, said), _scaled(train, test, train), said, rel=1e-5)


STANDARD = Problem(
    "inputs-standard",
    "Scaled by what is known in training",
    "by code",
    '''import numpy as np


def standardised(train, test):
    """Return both, columns scaled by train's mean and spread: NaN and constant columns become 0."""
    raise NotImplementedError
''',
    (_standardised, _holes),
)


def _merged(answer: Called) -> None:
    """Mean and variance, against those of all rows together."""
    for n1, n2, seed in ((5, 20, 0), (1, 3, 1), (40, 2, 2)):
        rng = np.random.default_rng(seed)
        a, b = rng.random((n1, 4)), 2 + 3 * rng.random((n2, 4))
        said = f"merged of {n1} and {n2} rows"
        parts = (n1, a.mean(axis=0), a.var(axis=0)), (n2, b.mean(axis=0), b.var(axis=0))
        mean, variance = pair(answer(*parts[0], *parts[1]), said, "mean, variance")
        both = np.concatenate([a, b])
        agree(
            array(mean, (4,), f"the mean of {said}"),
            both.mean(axis=0),
            f"the mean of {said}",
            {"each row counts as often, not each part": (parts[0][1] + parts[1][1]) / 2},
        )
        within = (n1 * parts[0][2] + n2 * parts[1][2]) / (n1 + n2)
        faults = {
            "the parts have different means: what lies between them is missing": within,
            "each row counts as often, not each part": (parts[0][2] + parts[1][2]) / 2,
            "the weight of the difference is n1 n2 / (n1 + n2)^2": (
                within + (parts[0][1] - parts[1][1]) ** 2
            ),
        }
        agree(
            array(variance, (4,), f"the variance of {said}"),
            both.var(axis=0),
            f"the variance of {said}",
            faults,
        )


def _merged_far(answer: Called) -> None:
    """Columns that lie around a thousand million."""
    rng = np.random.default_rng(3)
    a, b = rng.random((30, 3)), rng.random((50, 3))
    said = "merged of rows around 1000000000"
    given = (30, 1e9 + a.mean(axis=0), a.var(axis=0), 50, 1e9 + b.mean(axis=0), b.var(axis=0))
    _, variance = pair(answer(*given), said, "mean, variance")
    right = np.concatenate([a, b]).var(axis=0)
    found = array(variance, (3,), said)
    if np.abs(found - right).max() > 1e-3:
        raise Refused(
            f"{said}: expected the variance {right[0]:.4f}, got {found[0]:.4g}: the mean of "
            "squares less the square of the mean has lost all its digits there"
        )


MERGE = Problem(
    "inputs-merge",
    "Mean and variance, part by part",
    "by code",
    '''import numpy as np


def merged(n1, mean1, variance1, n2, mean2, variance2):
    """Return mean and variance of all rows of two parts, from those of each: arrays are (d,)."""
    raise NotImplementedError
''',
    (_merged, _merged_far),
)


def _folded(x: np.ndarray, y: np.ndarray, keep: int, inside: bool, fault: str = "") -> float:
    """Return the accuracy, a row at a time."""
    right = 0
    for fold in range(5):
        test = [i for i in range(len(y)) if i % 5 == fold]
        train = [i for i in range(len(y)) if i % 5 != fold]
        base = (x, y) if fault == "centres" else (x[train], y[train])
        chosen = (x[train], y[train]) if inside else (x, y)
        gaps = np.abs(
            chosen[0][chosen[1] == 1].mean(axis=0) - chosen[0][chosen[1] == 0].mean(axis=0)
        )
        columns = sorted(range(x.shape[1]), key=lambda j, gaps=gaps: gaps[j])  # type: ignore[misc]
        columns = columns[:keep] if fault == "least" else columns[-keep:]
        centres = [base[0][base[1] == k][:, columns].mean(axis=0) for k in (0, 1)]
        for i in test:
            near = [math.dist(x[i, columns], centre) for centre in centres]
            right += int(near[1] < near[0]) == int(y[i])
    return right / len(y)


def _leak(answer: Called) -> None:
    """The accuracy, against a count row by row."""
    for n, d, keep, seed in ((40, 100, 5, 0), (50, 300, 10, 1)):
        rng = np.random.default_rng(seed)
        x, y = rng.standard_normal((n, d)), rng.permutation(np.arange(n) % 2)
        for inside in (True, False):
            said = f"fold_accuracy of {n} rows, keep={keep}, inside={inside}"
            found = number(answer(x, y, keep, inside), said)
            faults = {
                "the choice was made the other way round": _folded(x, y, keep, not inside),
                "the centres saw the rows that are tested": _folded(x, y, keep, inside, "centres"),
                "the columns with the least difference were kept": _folded(
                    x, y, keep, inside, "least"
                ),
            }
            agree(found, _folded(x, y, keep, inside), said, faults)


def _leak_in_arrays(answer: Called) -> None:
    """The time, against a count row by row."""
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((200, 400)), rng.permutation(np.arange(200) % 2)
    no_slower(
        lambda: answer.function(x, y, 20, True),
        lambda: _folded(x, y, 20, True),
        8,
        "fold_accuracy of 200 rows",
        "take all rows of a fold at once",
    )


LEAK = Problem(
    "inputs-leak",
    "Chosen before the folds were drawn",
    "by experiment",
    '''import numpy as np


def fold_accuracy(x, y, keep, inside):
    """Return the accuracy in five folds: row i is in fold i % 5, y is 0 or 1, x is (n, d)."""
    raise NotImplementedError
''',
    (_leak, _leak_in_arrays),
)

PROBLEMS = (SPREAD, FLIPS, STANDARD, MERGE, LEAK)
