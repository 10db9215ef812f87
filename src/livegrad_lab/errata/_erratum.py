"""What an erratum is, and what checks share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from livegrad._checks import Array
from livegrad_lab.panel import examples

__all__ = ["Erratum", "checked", "digits", "features", "times"]


@dataclass(frozen=True)
class Erratum:
    """One wrong statement, corrected.

    Attributes:
        code: its name, unique.
        page: where it stood, below docs/ and without the ending, with an anchor if there is one;
            a notebook with its ending.
        said: what stood there.
        right: what is so.
        since: the day of the correction: year, month and day.
        check: returns what it found in words; raises ValueError if the correction does not hold.
    """

    code: str
    page: str
    said: str
    right: str
    since: str
    check: Callable[[], str]

    @property
    def topic(self) -> str:
        """The folder of its page."""
        return self.page.partition("/")[0]


def checked(text: str, holds: object) -> str:
    """Return the text.

    Raises:
        ValueError: if the correction does not hold.
    """
    if not holds:
        raise ValueError(f"the correction does not hold: {text}")
    return text


def features(n: int = 256, features: int = 20) -> tuple[Array, Array]:
    """Return inputs, shape (n, features), and whether the first of each is positive."""
    x = np.random.default_rng(0).standard_normal((n, features))  # (n, features)
    return x, (x[:, 0] > 0).astype(int)


def times(factor: float, rule: Callable[..., Array]) -> Callable[..., Array]:
    """Return the rule of weights so many times as large."""
    return lambda shape, rng: factor * rule(shape, rng)


def digits() -> tuple[Array, Array]:
    """Return as many images as the pages had, all of them trained on."""
    x, y = (np.concatenate(part)[:800] for part in zip(*examples("digits", 0), strict=True))
    return x, y
