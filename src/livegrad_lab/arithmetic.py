"""What of a machine's arithmetic the results of long trainings depend on."""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np

from livegrad._checks import Array

__all__ = ["arithmetic"]


@cache
def arithmetic() -> str:
    """Return a digest of the last bits of sums of products and of the functions that networks use.

    They differ between processors with the same libraries, and after hundreds of steps at a rate
    that is almost too large so do the losses.
    """
    whole = hashlib.sha256()
    for kind in (np.float64, np.float32):
        x: Array = np.random.default_rng(0).standard_normal((96, 150)).astype(kind)
        made = [x @ x.T, x.T @ x, x[:10, :17] @ x[:17, :31], x.sum(axis=0), x.mean(axis=1)]
        made += [function(x) for function in (np.exp, np.expm1, np.tanh, np.sin, np.cos)]
        made += [function(abs(x)) for function in (np.log, np.log1p, np.sqrt)]
        for array in made:
            whole.update(array.tobytes())
    return whole.hexdigest()[:8]
