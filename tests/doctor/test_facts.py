"""What the judge is told: sizes of arrays."""

from __future__ import annotations

import math

import numpy as np
import pytest

from livegrad.doctor._facts import norm, spread


def test_sizes_are_in_double_precision_and_of_nothing_unknown():
    large = np.array([[3e4, 4e4]], "float16")
    assert norm(large) == pytest.approx(5e4, rel=1e-3)
    assert norm(np.array([[3e30, 4e30]], "float32")) == pytest.approx(5e30)
    assert math.isnan(norm(None)) and math.isnan(spread(None))
    wide = np.array([[[0.0, 1.0], [5.0, 1.0]], [[2.0, 1.0], [5.0, 9.0]]])
    assert spread(wide) == pytest.approx(math.sqrt((1 + 16) / 4))


@pytest.mark.parametrize("shape", [(3,), (2, 5), (7, 2**16 + 3), (2**17, 2), (3, 1, 40000)])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64"])
def test_norm_and_spread_piece_by_piece_are_numpys_of_the_whole(shape, dtype):
    array = (100 * np.random.default_rng(0).standard_normal(shape)).astype(dtype)
    wide = array.astype("float64").reshape(len(array), -1)
    assert norm(array) == pytest.approx(np.linalg.norm(wide), rel=1e-12)
    assert spread(array) == pytest.approx(np.sqrt(np.var(wide, axis=0).mean()), rel=1e-10)


def test_norm_and_spread_of_what_is_extreme_or_not_there():
    assert norm(np.float32([3e38, 4e38 / 10])) == pytest.approx(3e38 * np.sqrt(1 + 0.04 / 2.25))
    assert norm(np.array([1e200, 1.0])) == math.inf and math.isnan(norm(np.array([np.nan, 1.0])))
    assert math.isnan(norm(None)) and math.isnan(spread(None))
    assert norm(np.zeros((0, 3))) == 0 and math.isnan(spread(np.zeros((4, 0))))
