"""Faults of x: its scale."""

from __future__ import annotations

import numpy as np

from livegrad_lab.faults.case import Patient, fault
from livegrad_lab.faults.models import binary, dense, sgd, stack, two_classes


@fault("pixels from 0 to 255", "unscaled-input", "data", "Rescaling(1 / 127.5, offset=-1)")
def _pixels_from_0_to_255(mended: bool) -> Patient:
    import keras

    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (256, 16)).astype("float32")
    y = (x[:, 0] > x[:, 1]).astype("float32")
    layers = [dense(32, "relu", f"hidden_{at}") for at in (1, 2)]
    if mended:
        layers.insert(0, keras.layers.Rescaling(1 / 127.5, offset=-1))
    return two_classes(stack(x, *layers, dense(1, "sigmoid", "output")), x, y, sgd(0.1))


@fault("one feature in the thousands", "unscaled-input", "data", "Normalization()")
def _one_feature_in_the_thousands(mended: bool) -> Patient:
    import keras

    x, y = binary()
    x = x * np.array([1, 1, 3000, 1, 1, 1, 1, 1], "float32")
    layers = [dense(32, "tanh", f"hidden_{at}") for at in (1, 2)]
    if mended:
        scale = keras.layers.Normalization()
        scale.adapt(x)
        layers.insert(0, scale)
    return two_classes(stack(x, *layers, dense(1, "sigmoid", "output")), x, y, sgd(0.1))


@fault("inputs a ten-thousandth", "unscaled-input", "data", "Normalization()")
def _inputs_a_ten_thousandth(mended: bool) -> Patient:
    import keras

    x, y = binary()
    x = x * np.float32(1e-4)
    layers = [dense(32, "tanh", f"hidden_{at}") for at in (1, 2)]
    if mended:
        scale = keras.layers.Normalization()
        scale.adapt(x)
        layers.insert(0, scale)
    return two_classes(stack(x, *layers, dense(1, "sigmoid", "output")), x, y, sgd(0.1))
