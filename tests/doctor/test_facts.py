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
