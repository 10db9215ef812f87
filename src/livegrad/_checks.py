"""What every public function does with its arguments before the lesson starts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]


def floating(x: ArrayLike, argument: str = "x") -> Array:
    """Return ``x`` as a floating array, its floating type kept; integers become float64.

    Raises:
        TypeError: if it holds anything but real numbers.
    """
    array = np.asarray(x)
    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    if array.dtype.kind != "f":
        raise TypeError(f"{argument} must hold real numbers, got dtype {array.dtype}")
    return array


def whole(value: object, least: int) -> bool:
    """Whether it is a whole number of at least ``least``, as Python or NumPy has them; no truth."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        return False
    return bool(value >= least)


def counted(value: object, argument: str, least: int = 1) -> None:
    """Refuse what is no whole number of at least ``least``.

    Raises:
        ValueError: if it is not.
    """
    if not whole(value, least):
        raise ValueError(f"{argument} must be a whole number of at least {least}, got {value!r}")


def generator(rng: np.random.Generator | int) -> np.random.Generator:
    """Return ``rng`` itself, or the generator that an int seed starts.

    Raises:
        TypeError: if it is neither.
    """
    if isinstance(rng, np.random.Generator):
        return rng
    if not whole(rng, 0):
        raise TypeError(f"rng must be a numpy.random.Generator or an int seed >= 0, got {rng!r}")
    return np.random.default_rng(int(rng))
