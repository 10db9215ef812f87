"""What each backend does in its own way."""

from __future__ import annotations

import keras
import numpy as np

from livegrad.doctor._keras import backend


def test_a_tensor_keeps_what_the_variable_held():
    variable = keras.Variable([1.0, 2.0])
    kept = backend.held(variable)
    variable.assign([3.0, 4.0])
    np.testing.assert_array_equal(kept, [1, 2])
