"""What the networks of ``retrained`` came to, each at its own best rate.

``verdicts`` chooses the rate on validation images, by the mean over the seeds. The test images
decide nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from livegrad_lab import retrained, verdicts

__all__ = ["Found", "found", "learned", "measured"]

LEARNED = 0.3
"""The test accuracy from which on a network has learned: three times that of chance."""


@dataclass(frozen=True)
class Found:
    """What a network came to at its best rate.

    Attributes:
        rate: the rate.
        accuracies: on the test images, one a seed.
    """

    rate: float
    accuracies: tuple[float, ...]


@cache
def measured() -> verdicts.Accuracies:
    """Return by setting and network the accuracies, as ``verdicts.results`` does."""
    return verdicts.results(retrained)[0]


def found(paper: str, depth: int, arm: str, point: str = "at the end", rate_of: str = "") -> Found:
    """Return what a network came to.

    Args:
        paper: whose it is.
        depth: how many hidden layers it has.
        arm: its name.
        point: "early" or "at the end".
        rate_of: the network whose best rate it has; without one, its own.
    """
    group = retrained.PAPERS[paper]
    setting = verdicts.Setting(retrained.DATA, group.optimizer, depth, group.width, point)
    arms = measured()[setting]
    at = verdicts.best_rates(arms)[rate_of or arm]
    return Found(group.rates(arm)[at], tuple(arms[arm][1][:, at].tolist()))


def learned(paper: str, depth: int, arm: str, point: str = "at the end") -> list[float]:
    """Return for each seed 1 if the network has learned, and 0 if not."""
    return [float(one > LEARNED) for one in found(paper, depth, arm, point).accuracies]
