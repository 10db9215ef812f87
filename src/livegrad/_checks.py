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


def generator(rng: np.random.Generator | int) -> np.random.Generator:
    """Return ``rng`` itself, or the generator that an int seed starts.

    Raises:
        TypeError: if it is neither.
    """
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, bool) or not isinstance(rng, int | np.integer) or rng < 0:
        raise TypeError(f"rng must be a numpy.random.Generator or an int seed >= 0, got {rng!r}")
    return np.random.default_rng(int(rng))
