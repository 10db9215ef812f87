"""Claims about trained networks, decided in each setting of a panel.

**The rate.** Each arm has its own in each setting, the best on validation images that decide
nothing else: the mean over the seeds counts, and of rates within half a hundredth of the best the
one nearest to the middle of the grid.

**The decision.** A case is decided by the exact test of flipped signs, on its side of the margin
("borne out") and on the other ("contradicted"). Over all cases of the panel, on both sides, the
share of false decisions is held to 5 % (Benjamini and Hochberg 1995); what is not decided is open.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from livegrad._checks import Array
from livegrad_lab import kept, panel
from livegrad_lab.chance import both_sides
from livegrad_lab.sweep import sweep

__all__ = [
    "COMPARISONS",
    "QUANTITIES",
    "Comparison",
    "Decided",
    "Setting",
    "benjamini_hochberg",
    "best_rates",
    "decide",
    "edges",
    "kept_or_run",
    "largest_called",
    "results",
]

POINTS = ("early", "at the end")
ERROR = 0.05
BETTER, ALIKE = 0.01, 0.02
"""By how much an accuracy must be better to count, and within what two are alike."""
QUANTITIES = ("test accuracy", "calibration gap")
"""What arms are compared by: the share of right answers, and by how much the mean of the largest
probability misses it."""


@dataclass(frozen=True)
class Comparison:
    """A claim as the panel asks it.

    Attributes:
        statement: what is said.
        left: an arm.
        relation: "above" the margin, or "equal" to 0 within it, is what left minus right must be.
        right: the arm that it is compared with.
        margin: the smallest difference that would matter.
        rate_of: the arm whose best rate ``right`` has; without one, its own.
        quantity: what is compared, of ``QUANTITIES``.
    """

    statement: str
    left: str
    relation: str
    right: str
    margin: float
    rate_of: str = ""
    quantity: str = "test accuracy"


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
"""The claims about activations and first weights, on ``panel``."""


class Setting(NamedTuple):
    """Where a comparison is made.

    Attributes:
        data: the data set.
        optimizer: of ``stack.OPTIMIZERS``.
        depth: number of hidden layers.
        width: units in each.
        point: "early" or "at the end".
    """

    data: str
    optimizer: str
    depth: int
    width: int
    point: str


Accuracies = Mapping[Setting, Mapping[str, Array]]
"""By setting and arm, the accuracies on validation and on test examples, (2, seeds, rates).

Where it was measured a third row says by how much the mean of the largest probability on the test
examples misses the accuracy.
"""


def results(of: ModuleType = panel) -> tuple[dict[Setting, dict[str, Array]], list[int]]:
    """Run a panel, or take what was kept.

    Args:
        of: ``panel`` or ``practices``.

    Returns:
        By setting and arm, what was measured, shape (2 or 3, seeds, rates); and how many epochs
        each run trained.
    """
    todo = of.settings()
    runs = kept_or_run(of.run, todo)
    by_place: dict[Setting, dict[str, list[Array]]] = {}
    for given, found in zip(todo, runs, strict=True):
        sizes = np.array(panel.SIZES[given["data"]][1:])  # (2,)
        place = {name: given[name] for name in Setting._fields[:-1]}
        for at, point in enumerate(POINTS):
            arms = by_place.setdefault(Setting(**place, point=point), {})
            for arm, counts in found["right"].items():
                share = np.array(counts)[:, 2 * at : 2 * at + 2] / sizes  # (rates, 2)
                if "sure" in found:
                    gap = np.abs(np.array(found["sure"][arm])[:, at] - share[:, 1])  # (rates,)
                    share = np.column_stack([share, gap])
                arms.setdefault(arm, []).append(share)
    table = {
        setting: {arm: np.transpose(seeds, (2, 0, 1)) for arm, seeds in arms.items()}
        for setting, arms in by_place.items()
    }
    return table, [found["epochs"] for found in runs]


def kept_or_run(
    function: Callable[..., Any], settings: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return what a function gives for each setting, from its record where that has all of them.

    ``sweep`` does so too, but asks anew for each setting whether the record is of this code.

    Args:
        function: one of the experiments that are kept.
        settings: its arguments, one run each.
    """
    found = kept.find(function)
    names = [kept.setting(one) for one in settings]
    if all(name in found for name in names):
        return [kept.unpacked(found[name]) for name in names]
    return sweep(function, settings)


def best_rates(found: Mapping[str, Array]) -> dict[str, int]:
    """Return for each arm of a setting the place of its best rate in the grid."""
    best = {}
    for arm, accuracies in found.items():
        means = accuracies[0].mean(axis=0)  # (rates,)
        middle = (len(means) - 1) / 2
        close = np.flatnonzero(means >= means.max() - 0.005)
        best[arm] = int(min(close, key=lambda at: abs(at - middle)))
    return best


def edges(table: Accuracies, grid: Callable[[str, str], Sequence[float]] = panel.grid) -> list[str]:
    """Return the arms whose best rate lies at an end of its grid, and in which setting.

    Args:
        table: of ``results``.
        grid: gives the rates of an optimizer and an arm.

    An arm that learns nothing at any rate has no best one: it is not better than always naming one
    class by more than a twentieth.
    """
    found = []
    for setting, arms in table.items():
        y = panel.loaded(setting.data)[1]
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
        differences: left minus right, shape (seeds,).
        p: p-values of what is claimed and of its contrary.
        outcome: "borne out", "contradicted" or "open".
    """

    comparison: Comparison
    setting: Setting
    differences: Array
    p: tuple[float, float]
    outcome: str

    @property
    def interval(self) -> tuple[float, float, float]:
        """The mean difference, and the ends of its interval of usual size by Student's t."""
        from scipy.stats import t

        d = self.differences
        half = float(t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / math.sqrt(len(d)))
        return float(d.mean()), float(d.mean()) - half, float(d.mean()) + half


def decide(table: Accuracies, comparisons: Sequence[Comparison] = COMPARISONS) -> list[Decided]:
    """Decide all comparisons together, each in all settings that have both of its arms.

    Args:
        table: of ``results``.
        comparisons: what is compared.
    """
    cases, chances = [], []
    for setting, arms in table.items():
        best = best_rates(arms)
        for one in comparisons:
            if not {one.left, one.right} <= arms.keys():
                continue
            row = 1 + QUANTITIES.index(one.quantity)
            left = arms[one.left][row][:, best[one.left]]  # (seeds,)
            d = left - arms[one.right][row][:, best[one.rate_of or one.right]]
            cases.append((one, setting, d))
            chances.append(both_sides(d, one.relation, one.margin))
    small = np.reshape(benjamini_hochberg(np.ravel(chances)), (-1, 2)) < ERROR  # (cases, 2)
    outcome = np.where(small[:, 0], "borne out", np.where(small[:, 1], "contradicted", "open"))
    return [
        Decided(*case, p, str(said)) for case, p, said in zip(cases, chances, outcome, strict=True)
    ]


def largest_called(decided: Sequence[Decided]) -> float:
    """Return the largest p-value with which a case was decided; 0 if none was."""
    sides = {"borne out": 0, "contradicted": 1}
    return max((one.p[sides[one.outcome]] for one in decided if one.outcome != "open"), default=0.0)


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
