"""The sheet of the topic *Dropout*: what masks do to sizes, losses, averages, and a choice."""

from __future__ import annotations

import itertools
import statistics

import numpy as np

from livegrad_lab.problems._answer import Called, agree, array, by_number, number, pair
from livegrad_lab.problems._problem import Problem, Refused

RATE, LAYERS = 0.3, 10


def _grown() -> float:
    """Return the factor, from the two values that a mask can have."""
    square = RATE * 0.0**2 + (1 - RATE) * (1 / (1 - RATE)) ** 2
    return float(np.prod(np.full(LAYERS, square)) ** 0.5)


SIZE = Problem(
    "dropout-size",
    "Does inverted dropout keep the signal?",
    "by hand",
    "answer = ...\n",
    (
        by_number(
            _grown,
            0.005,
            {
                "its mean is kept, and its size is not": 1.0,
                "that is the factor of the mean square: take the root": 0.7**-10,
                "that is without the division by 1 - rate": 0.7**5,
                "that is the other way round, without the division by 1 - rate": 0.7**10,
                "the rate and the share that is kept have changed places": 0.3**-5,
            },
        ),
    ),
)


def _images(n: int, channels: int, seed: int) -> np.ndarray:
    return 1 + np.random.default_rng(seed).random((n, 3, 4, channels))


def _channels(answer: Called) -> None:
    """What is dropped: whole channels, drawn anew for each example, the others divided."""
    for rate, seed in ((0.25, 0), (0.6, 1)):
        x = _images(40, 50, seed)
        said = f"channel_dropout of shape {x.shape}, rate={rate}"
        y = array(answer(x, rate, np.random.default_rng(seed)), x.shape, said)
        open_ = y != 0
        if (open_ != open_[:, :1, :1, :]).any():
            raise Refused(
                f"{said}: expected a channel of an example dropped as a whole, got some of its "
                "pixels dropped: draw one number a channel"
            )
        if (open_ == open_[:1]).all():
            raise Refused(f"{said}: expected a mask an example, got the same for all examples")
        if (open_ == open_[..., :1]).all():
            raise Refused(f"{said}: expected each channel by itself, got all or none of an example")
        share = float(open_[:, 0, 0, :].mean())
        off = 5 * np.sqrt(rate * (1 - rate) / 2000)
        if abs(share - (1 - rate)) > off:
            swapped = ": the rate is the share that is dropped" if abs(share - rate) < off else ""
            raise Refused(f"{said}: expected about {1 - rate:g} kept, got {share:.3f}{swapped}")
        agree(
            y[open_],
            x[open_] / (1 - rate),
            f"what is kept by {said}",
            {
                "what is kept is not divided by 1 - rate": x[open_],
                "divided by the rate": x[open_] / rate,
                "multiplied by 1 - rate": x[open_] * (1 - rate),
            },
        )


def _channels_kept(answer: Called) -> None:
    """The rate 0, and two generators."""
    x = _images(3, 5, 2)
    agree(
        array(answer(x, 0.0, np.random.default_rng(0)), x.shape, "channel_dropout with rate 0"),
        x,
        "channel_dropout with rate 0",
    )
    one, two = (answer(_images(9, 40, 3), 0.5, np.random.default_rng(seed)) for seed in (1, 2))
    if np.array_equal(one, two):
        raise Refused("channel_dropout gives the same for two generators: draw the mask from rng")


CHANNELS = Problem(
    "dropout-channels",
    "Drop whole channels",
    "by code",
    '''import numpy as np


def channel_dropout(x, rate, rng):
    """Return x (n, height, width, channels) with whole channels of each example dropped."""
    raise NotImplementedError
''',
    (_channels, _channels_kept),
)


def _enumerated(w: np.ndarray, x: np.ndarray, y: np.ndarray, rate: float) -> float:
    """Return the expected loss as a sum over all masks."""
    total = 0.0
    for mask in itertools.product((0, 1), repeat=len(w)):
        kept = sum(mask)
        chance = (1 - rate) ** kept * rate ** (len(w) - kept)
        total += chance * float((((x * np.array(mask) / (1 - rate)) @ w - y) ** 2).mean())
    return total


def _expected(answer: Called) -> None:
    """The expected loss, against the sum over all masks."""
    for d, rate, seed in ((3, 0.5, 0), (6, 0.2, 1), (5, 0.75, 2)):
        rng = np.random.default_rng(seed)
        w, x, y = rng.standard_normal(d), 1 + rng.standard_normal((7, d)), rng.standard_normal(7)
        said = f"expected_loss of {d} inputs, rate={rate}"
        plain = float(((x @ w - y) ** 2).mean())
        odds, squares = rate / (1 - rate), float((x**2 @ w**2).mean())
        faults = {
            "that is the loss without dropout": plain,
            "the penalty weighs each weight by the mean square of its input": (
                plain + odds * float(w @ w)
            ),
            "that is for masks without the division by 1 - rate": float(
                (((1 - rate) * x @ w - y) ** 2).mean() + rate * (1 - rate) * squares
            ),
            "the penalty's factor is without the division by 1 - rate": (
                plain + rate * (1 - rate) * squares
            ),
            "the rate and the share that is kept have changed places": plain + squares / odds,
        }
        found = number(answer(w, x, y, rate), said)
        agree(found, _enumerated(w, x, y, rate), said, faults)


def _expected_of_many(answer: Called) -> None:
    """Two hundred inputs, whose masks nobody can count."""
    rng = np.random.default_rng(3)
    w, x, y = rng.standard_normal(200), rng.standard_normal((50, 200)), rng.standard_normal(50)
    said = "expected_loss of 200 inputs, rate=0.5"
    right = 0.0
    for row, label in zip(x, y, strict=True):
        mean = sum(float(a * b) for a, b in zip(row, w, strict=True))
        right += (mean - label) ** 2 + sum(float(a * b) ** 2 for a, b in zip(row, w, strict=True))
    agree(number(answer(w, x, y, 0.5), said), right / 50, said)


PENALTY = Problem(
    "dropout-penalty",
    "The penalty that dropout is",
    "by code",
    '''import numpy as np


def expected_loss(w, x, y, rate):
    """Return the mean over examples and masks of ((x mask / keep) w - y)^2: x (n, d), w (d,)."""
    raise NotImplementedError
''',
    (_expected, _expected_of_many),
)


def _sigmoid(z: float) -> float:
    return 0.5 * (1 + float(np.tanh(z / 2)))


def _over_masks(
    a: np.ndarray, v: np.ndarray, c: float, rate: float, even: bool = False, keep: float = 0.0
) -> float:
    """Return the mean probability, unit by unit: each splits what came before into two."""
    logits, chances = [c], [1.0]
    for unit, weight in zip(a, v, strict=True):
        on = float(unit * weight) / (keep or 1 - rate)
        logits = logits + [one + on for one in logits]
        drop = 0.5 if even else rate
        chances = [one * drop for one in chances] + [one * (1 - drop) for one in chances]
    return sum(_sigmoid(z) * p for z, p in zip(logits, chances, strict=True))


def _both(answer: Called) -> None:
    """Both probabilities, against masks that are split unit by unit."""
    for units, rate, seed in ((4, 0.5, 0), (7, 0.2, 1), (10, 0.7, 2)):
        rng = np.random.default_rng(seed)
        a, v, c = rng.random(units) * 2, rng.standard_normal(units) * 2, float(rng.normal())
        said = f"two_answers of {units} units, rate={rate}"
        mean, scaled = pair(answer(a, v, c, rate), said, "mean over masks, inference")
        plain = _sigmoid(float(a @ v) + c)
        faults = {
            "that is what the network says at inference": plain,
            "each mask counts as often: it has the chance of its zeros and ones": (
                _over_masks(a, v, c, rate, even=True)
            ),
            "what is kept is not divided by 1 - rate": _over_masks(a, v, c, rate, keep=1.0),
            "the rate and the share that is kept have changed places": _over_masks(
                a, v, c, 1 - rate
            ),
        }
        agree(number(mean, said), _over_masks(a, v, c, rate), f"the mean of {said}", faults)
        others = {"at inference nothing is scaled": _sigmoid(float(a @ v) * (1 - rate) + c)}
        agree(number(scaled, said), plain, f"the inference of {said}", others)


MASKS = Problem(
    "dropout-masks",
    "Is inference the average of all thinned networks?",
    "by experiment",
    '''import numpy as np


def two_answers(a, v, c, rate):
    """Return the mean over all masks of sigmoid((a mask / keep) v + c), and inference's."""
    raise NotImplementedError
''',
    (_both,),
)


def _as_good(scores: np.ndarray, fault: str = "") -> np.ndarray:
    means = [statistics.fmean(row) for row in scores.tolist()]
    best = max(range(len(means)), key=means.__getitem__)
    good = []
    for row in scores.tolist():
        apart = [a - b for a, b in zip(scores[best].tolist(), row, strict=True)]
        spread = statistics.pstdev(apart) if fault == "ddof" else statistics.stdev(apart)
        if fault == "unpaired":
            spread = statistics.stdev(scores[best].tolist())
        error = spread if fault == "root" else spread / len(apart) ** 0.5
        good.append(statistics.fmean(apart) <= error)
    return np.array(good)


def _scores(rates: int, folds: int, seed: int) -> np.ndarray:
    """Return accuracies whose folds differ by more than the rates do."""
    rng = np.random.default_rng(seed)
    fold = rng.normal(0.9, 0.04, folds)
    rate = -np.linspace(0, 0.03, rates)[:, None]
    return np.asarray(fold + rate + rng.normal(0, 0.012, (rates, folds)))


def _chosen(answer: Called) -> None:
    """The rates that are as good, against a count without arrays."""
    faults = {
        "the folds are paired: take the spread of the differences, fold by fold": "unpaired",
        "the spread of a few folds wants ddof=1": "ddof",
        "the error of a mean is the spread over the root of the number of folds": "root",
    }
    for rates, folds, seed in ((6, 5, 0), (8, 4, 4), (5, 10, 2), (9, 3, 8), (7, 6, 5)):
        scores = _scores(rates, folds, seed)
        said = f"as_good of {rates} rates in {folds} folds"
        found = answer(scores)
        if not isinstance(found, np.ndarray) or found.dtype != bool or found.shape != (rates,):
            raise Refused(f"{said}: expected an array of {rates} truth values, got {found!r:.60}")
        right = _as_good(scores)
        if np.array_equal(found, right):
            continue
        why = [words for words, of in faults.items() if np.array_equal(found, _as_good(scores, of))]
        raise Refused(
            f"{said}: expected the rates {np.flatnonzero(right).tolist()}, got "
            f"{np.flatnonzero(found).tolist()}" + (f": {why[0]}" if why else "")
        )


def _tie(answer: Called) -> None:
    """The best rate itself, where all folds agree."""
    found = answer(np.array([[0.8, 0.8], [0.9, 0.9]]))
    if np.asarray(found).tolist() != [False, True]:
        raise Refused(f"as_good of one rate at 0.9 in each fold: expected [1], got {found!r:.60}")


RANGE = Problem(
    "dropout-range",
    "Folds name a range",
    "by code",
    '''import numpy as np


def as_good(scores):
    """Return for each rate whether it is as good as the best: scores are (rates, folds)."""
    raise NotImplementedError
''',
    (_chosen, _tie),
)

PROBLEMS = (SIZE, CHANNELS, PENALTY, MASKS, RANGE)
