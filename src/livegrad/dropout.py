"""The factor mask / keep: inverted dropout.

What is left is scaled up while training, so nothing has to be scaled at inference.
"""

from __future__ import annotations

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike

from livegrad._checks import Array, floating, generator

__all__ = ["dropout"]


def dropout(
    x: ArrayLike, rate: float, rng: np.random.Generator | int, training: bool = True
) -> tuple[Array, Array]:
    """Set each entry of ``x`` to 0 with probability ``rate`` and divide the others by 1 - rate.

    The expected output is ``x``. The way back uses the same mask: dL/dx is
    ``upstream * mask / (1 - rate)``. What is dropped is 0 even where ``x`` is infinite or NaN.

    Args:
        x: activations of any shape; integers become float64, a floating type is kept.
        rate: the share dropped, in [0, 1). In Srivastava et al. p is the share that is *kept*.
        rng: generator or seed.
        training: False returns a copy of ``x``, and a mask of ones; nothing is drawn then.

    Returns:
        The output and the mask of zeros and ones, both in x's shape and type.

    Raises:
        ValueError: if the rate is no number in [0, 1).
        TypeError: if ``x`` holds no real numbers or ``rng`` is neither generator nor seed.

    Examples:
        >>> output, mask = dropout(np.ones(6), 0.5, 0)
        >>> output
        array([2., 0., 0., 0., 2., 2.])
        >>> mask
        array([1., 0., 0., 0., 1., 1.])

    Source:
        Srivastava et al. 2014, section 10 (the inverted form).
    """
    array = floating(x)
    if isinstance(rate, bool) or not isinstance(rate, Real) or not 0 <= rate < 1:
        raise ValueError(f"rate must be in [0, 1), got {rate!r}")
    source = generator(rng)
    if not training or rate == 0:
        return array.copy(), np.ones_like(array)
    kept = np.asarray(source.random(array.shape) >= rate)
    # float16 would round a small 1 - rate to 0, so that is divided in float32.
    keep = np.promote_types(array.dtype, np.float32).type(1 - float(rate))
    with np.errstate(over="ignore"):
        scaled = np.asarray(array / keep).astype(array.dtype)
    # np.where, not a product: a dropped infinity is 0.
    return np.where(kept, scaled, array.dtype.type(0)), kept.astype(array.dtype)
