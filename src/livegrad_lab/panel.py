"""One panel of networks for all claims about activations and first weights.

Whether "He's initializer matters" shows depends on what one trains, how deep and wide, with which
optimizer, and for how long. So each claim is a comparison of two arms in many settings: two data
sets, three optimizers, two depths, two widths, early and at the end. It is decided in each of them.

All arms of a seed share the data, the batches and, where they have the same law, the draws of their
first weights. They differ in one thing: the output layer has Glorot's weights in all of them.

**The rate.** Each arm has its own in each setting, the best on validation images that decide
nothing else: the mean over the seeds counts, and of rates within half a hundredth of the best the
one nearest to the middle of the grid.

**The end.** All train until for each arm, at the rate where its training loss is lowest, it is
below 0.02 or has fallen by less than a twentieth in 18 epochs; or until 60 are over. Early is after
6, a tenth of them.

**The decision.** A case is decided by the exact test of flipped signs, on its side of the margin
("borne out") and on the other ("contradicted"). Over all cases of the panel, on both sides, the
share of false decisions is held to 5 % (Benjamini and Hochberg 1995); what is not decided is open.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from livegrad import initializers
from livegrad._checks import Array
from livegrad_lab.stack import OPTIMIZERS, Arm, Stack
from livegrad_lab.sweep import sweep
from livegrad_lab.trial import sign_flip_p

__all__ = [
    "ARMS",
    "COMPARISONS",
    "GRIDS",
    "Comparison",
    "Decided",
    "Setting",
    "benjamini_hochberg",
    "best_rates",
    "decide",
    "edges",
    "grid",
    "results",
    "run",
    "settings",
    "smallest_effect",
]

DATA = ("digits", "breast cancer")
DEPTHS, WIDTHS = (3, 8), (16, 32)
POINTS = ("early", "at the end")
SEEDS = 10
BATCH, EARLY, CHUNK, MOST = 40, 6, 18, 60
ERROR = 0.05
BETTER, ALIKE = 0.01, 0.02
"""By how much an accuracy must be better to count, and within what two are alike."""
GRIDS: Mapping[str, tuple[float, ...]] = {
    "sgd": (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
    "momentum": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
    "adam": (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3),
}
"""The rates that an arm may choose from, by optimizer."""
_SIZES = {"digits": (400, 300, 900), "breast cancer": (200, 120, 249)}


def _small(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    return initializers.random_normal(shape, rng, stddev=0.01)


ARMS: Mapping[str, Arm] = {
    "relu": Arm("relu", "he_normal"),
    "relu, uniform": Arm("relu", "he_uniform"),
    "relu, Glorot": Arm("relu", "glorot_normal"),
    "relu, fan-in": Arm("relu", "fan_in_uniform"),
    "relu, small": Arm("relu", _small),
    "leaky ReLU": Arm("leaky_relu", "he_normal"),
    "ELU": Arm("elu", "he_normal"),
    "softplus": Arm("softplus", "he_normal"),
    "SiLU": Arm("silu", "he_normal"),
    "GELU": Arm("gelu", "he_normal"),
    "tanh": Arm("tanh", "glorot_normal"),
    "tanh, fan-in": Arm("tanh", "fan_in_uniform"),
    "sigmoid": Arm("sigmoid", "glorot_normal"),
    "sigmoid, He": Arm("sigmoid", "he_normal"),
}
"""What each network has of its own: an activation, and the hidden layers' first weights."""


@dataclass(frozen=True)
class Comparison:
    """A claim as the panel asks it.

    Attributes:
        statement: what is said.
        left: an arm.
        relation: "above" the margin, or "equal" to 0 within it, is what left minus right must be.
        right: the arm that it is compared with.
        margin: the smallest difference of test accuracies that would matter.
    """

    statement: str
    left: str
    relation: str
    right: str
    margin: float


COMPARISONS = (
    Comparison("He's weights beat Glorot's with ReLU", "relu", "above", "relu, Glorot", BETTER),
    Comparison(
        "Glorot's weights beat He's with the sigmoid", "sigmoid", "above", "sigmoid, He", BETTER
    ),
    Comparison("uniform and normal weights are alike", "relu, uniform", "equal", "relu", ALIKE),
    Comparison("the rule of fan-in is no worse, ReLU", "relu, fan-in", "above", "relu", -ALIKE),
    Comparison("the rule of fan-in is no worse, tanh", "tanh, fan-in", "above", "tanh", -ALIKE),
    Comparison("small weights are no worse", "relu, small", "above", "relu", -ALIKE),
    Comparison("leaky ReLU beats ReLU", "leaky ReLU", "above", "relu", BETTER),
    Comparison("ELU beats ReLU", "ELU", "above", "relu", BETTER),
    Comparison("softplus is no worse than ReLU", "softplus", "above", "relu", -ALIKE),
    Comparison("SiLU beats ReLU", "SiLU", "above", "relu", BETTER),
    Comparison("GELU beats ReLU", "GELU", "above", "relu", BETTER),
    Comparison("ReLU beats tanh", "relu", "above", "tanh", BETTER),
    Comparison("ReLU beats the sigmoid", "relu", "above", "sigmoid", BETTER),
)
"""The claims on the panel."""


def grid(optimizer: str, arm: str) -> tuple[float, ...]:
    """Return an arm's rates: with the sigmoid, whose slope is small, ten times the others'.

    Adam's steps do not grow with the gradient, so its rates are the same for all.
    """
    rates = GRIDS[optimizer]
    tenfold = ARMS[arm].activation == "sigmoid" and optimizer != "adam"
    return tuple(10 * rate for rate in rates) if tenfold else rates


class Setting(NamedTuple):
    """Where a comparison is made.

    Attributes:
        data: the data set.
        optimizer: of ``stack.OPTIMIZERS``.
        depth: number of hidden layers.
        width: units in each.
        point: "early", after 6 epochs, or "at the end".
    """

    data: str
    optimizer: str
    depth: int
    width: int
    point: str


@cache
def _loaded(data: str) -> tuple[Array, Array]:
    from sklearn import datasets

    load = {"digits": datasets.load_digits, "breast cancer": datasets.load_breast_cancer}[data]
    x, y = load(return_X_y=True)
    return x, y


def examples(data: str, seed: int) -> list[tuple[Array, Array]]:
    """Return inputs (n, features) and classes (n,) to train on, to validate on, and to test on.

    The features have mean 0 over the training examples, and the mean square 1 over all of them:
    each by itself, or the digits' pixels together.
    """
    x, y = _loaded(data)
    order = np.random.default_rng(seed).permutation(len(x))
    ends = np.cumsum(_SIZES[data])
    parts = np.split(order[: ends[-1]], ends[:-1])
    mean = x[parts[0]].mean(axis=0)  # (features,)
    spread = x[parts[0]].std(axis=0)  # (features,)
    if data == "digits":  # in which some pixels are always 0
        spread = np.sqrt(np.mean(spread**2))
    return [((x[rows] - mean) / spread, y[rows]) for rows in parts]


def run(data: str, optimizer: str, depth: int, width: int, seed: int) -> dict[str, Any]:
    """Train all arms at all rates, side by side on the same batches.

    Returns:
        ``epochs``: how many they trained; ``right``: for each arm, for each rate, how many answers
        are right: early on validation and test examples, and at the end on both.
    """
    (x, y), *others = examples(data, seed)
    count = len(GRIDS[optimizer])
    classes = len(np.unique(y))
    named = {
        f"{name}|{rate}": replace(
            arm, initializer=_hidden(arm.initializer, classes), learning_rate=rate
        )
        for name, arm in ARMS.items()
        for rate in grid(optimizer, name)
    }
    stack = Stack([x.shape[1], *depth * [width], classes], named, seed, optimizer=optimizer)

    def lowest() -> Array:
        losses = np.reshape(list(stack.loss(x, y).values()), (len(ARMS), count))
        return np.asarray(losses.min(axis=1))  # (arms,)

    def right() -> list[list[int]]:
        found = []
        for inputs, labels in others:
            hits = stack.logits(inputs).argmax(axis=-1) == labels  # (arms and rates, n)
            found.append(hits.sum(axis=1).tolist())
        return found

    stack.fit(x, y, EARLY, BATCH)
    counted = right()
    epochs, before = EARLY, lowest()
    while epochs < MOST:
        todo = min(CHUNK, MOST - epochs)
        stack.fit(x, y, todo, BATCH)
        epochs, after = epochs + todo, lowest()
        if np.all((after < 0.02) | (after > 0.95 * before)):
            break
        before = after
    counted += right()
    table = np.reshape(np.transpose(counted), (len(ARMS), count, 4)).tolist()
    return {"epochs": epochs, "right": dict(zip(ARMS, table, strict=True))}


def _hidden(rule: str | Callable[..., Array] | None, classes: int) -> Callable[..., Array]:
    """Return the rule for hidden layers; the output layer has Glorot's weights in all arms."""
    draw = initializers.get(rule) if isinstance(rule, str) else rule
    assert draw is not None and classes not in WIDTHS

    def layer(shape: tuple[int, int], rng: np.random.Generator) -> Array:
        chosen = initializers.glorot_normal if shape[1] == classes else draw
        return np.asarray(chosen(shape, rng))

    return layer


def settings() -> list[dict[str, Any]]:
    """Return the settings of all runs."""
    return [
        {"data": data, "optimizer": optimizer, "depth": depth, "width": width, "seed": seed}
        for data in DATA
        for optimizer in OPTIMIZERS
        for depth in DEPTHS
        for width in WIDTHS
        for seed in range(SEEDS)
    ]


Accuracies = Mapping[Setting, Mapping[str, Array]]
"""By setting and arm, the accuracies on validation and on test examples, (2, seeds, rates)."""


def results() -> tuple[dict[Setting, dict[str, Array]], list[int]]:
    """Run the panel, or take what was kept.

    Returns:
        By setting and arm, the accuracies on validation and test examples, shape (2, seeds, rates);
        and how many epochs each run trained.
    """
    todo = settings()
    runs = sweep(run, todo, progress=False)
    by_place: dict[tuple[Any, ...], list[Any]] = {}
    for setting, found in zip(todo, runs, strict=True):
        place = tuple(setting[name] for name in ("data", "optimizer", "depth", "width"))
        by_place.setdefault(place, []).append(found["right"])
    table: dict[Setting, dict[str, Array]] = {}
    for place, seeds in by_place.items():
        sizes = np.array(_SIZES[place[0]][1:])[:, None, None]  # (2, 1, 1)
        data, optimizer, depth, width = place
        for at, point in enumerate(POINTS):
            table[Setting(data, optimizer, depth, width, point)] = {
                arm: np.transpose([one[arm] for one in seeds], (2, 0, 1))[2 * at : 2 * at + 2]
                / sizes
                for arm in ARMS
            }
    return table, [found["epochs"] for found in runs]


def best_rates(found: Mapping[str, Array]) -> dict[str, int]:
    """Return for each arm of a setting the place of its best rate in the grid."""
    best = {}
    for arm, accuracies in found.items():
        means = accuracies[0].mean(axis=0)  # (rates,)
        middle = (len(means) - 1) / 2
        close = np.flatnonzero(means >= means.max() - 0.005)
        best[arm] = int(min(close, key=lambda at: abs(at - middle)))
    return best


def edges(table: Accuracies) -> list[str]:
    """Return the arms whose best rate lies at an end of its grid, and in which setting.

    An arm that learns nothing at any rate has no best one: it is not better than always naming one
    class by more than a twentieth.
    """
    found = []
    for setting, arms in table.items():
        y = _loaded(setting.data)[1]
        chance = np.bincount(y).max() / len(y)
        for arm, at in best_rates(arms).items():
            means = arms[arm][0].mean(axis=0)  # (rates,)
            if at in {0, len(means) - 1} and means.max() > chance + 0.05:
                words = ", ".join(map(str, setting))
                found.append(f"{arm}: {grid(setting.optimizer, arm)[at]:g} with {words}")
    return found


@dataclass(frozen=True)
class Decided:
    """A comparison in one setting.

    Attributes:
        comparison: the comparison.
        setting: where.
        differences: left minus right, of test accuracies, shape (seeds,).
        outcome: "borne out", "contradicted" or "open".
    """

    comparison: Comparison
    setting: Setting
    differences: Array
    outcome: str

    @property
    def interval(self) -> tuple[float, float, float]:
        """The mean difference and the ends of its 95 % interval (Student 1908)."""
        from scipy.stats import t

        d = self.differences
        half = float(t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / math.sqrt(len(d)))
        return float(d.mean()), float(d.mean()) - half, float(d.mean()) + half


def decide(table: Accuracies, comparisons: Sequence[Comparison] = COMPARISONS) -> list[Decided]:
    """Decide all comparisons in all settings together.

    Args:
        table: of ``results``.
        comparisons: what is compared.
    """
    cases, chances = [], []
    for setting, arms in table.items():
        best = best_rates(arms)
        scores = {arm: arms[arm][1][:, best[arm]] for arm in arms}  # (seeds,) each
        for one in comparisons:
            d = scores[one.left] - scores[one.right]
            cases.append((one, setting, d))
            chances.append(_both_sides(one, d))
    small = np.reshape(benjamini_hochberg(np.ravel(chances)), (-1, 2)) < ERROR  # (cases, 2)
    outcome = np.where(small[:, 0], "borne out", np.where(small[:, 1], "contradicted", "open"))
    return [Decided(*case, str(said)) for case, said in zip(cases, outcome, strict=True)]


def _both_sides(one: Comparison, d: Array) -> tuple[float, float]:
    """Return the p-values of what is claimed and of its contrary."""
    if one.relation == "above":
        return sign_flip_p(d - one.margin), sign_flip_p(one.margin - d)
    inside = max(sign_flip_p(d + one.margin), sign_flip_p(one.margin - d))
    outside = 2 * min(sign_flip_p(d - one.margin), sign_flip_p(-one.margin - d))
    return inside, min(outside, 1.0)


def benjamini_hochberg(p: ArrayLike) -> Array:
    """Return p-values corrected so that those below a level hold at most that share of false ones.

    Args:
        p: p-values, shape (tests,).

    Examples:
        >>> benjamini_hochberg([0.01, 0.04, 0.03])
        array([0.03, 0.04, 0.04])

    Source:
        Benjamini and Hochberg 1995.
    """
    from scipy.stats import false_discovery_control

    return np.asarray(false_discovery_control(np.asarray(p, dtype=np.float64)))


def smallest_effect(largest_p: float, seeds: int = SEEDS, power: float = 0.8) -> float:
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
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((400, seeds))
    low, high = 0.0, 5.0
    for _ in range(12):
        middle = (low + high) / 2
        share = np.mean([sign_flip_p(row + middle) <= largest_p for row in noise])
        low, high = (low, middle) if share >= power else (middle, high)
    return high
