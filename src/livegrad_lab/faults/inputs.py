"""Faults of x and of what y has to do with it."""

from __future__ import annotations

import numpy as np

from livegrad_lab.faults.case import Patient, fault
from livegrad_lab.faults.models import (
    adam,
    binary,
    dense,
    measured,
    net,
    points,
    sgd,
    stack,
    two_classes,
    words,
)


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


@fault("every example is the same", "constant-input", "data", "x[0]")
def _every_example_is_the_same(mended: bool) -> Patient:
    x, y = binary()
    if not mended:
        x = np.repeat(x[:1], len(x), axis=0)
    return two_classes(net(x, 2), x, y)


@fault("labels in another order than the inputs", "unrelated-labels", "data", "order")
def _labels_in_another_order_than_the_inputs(mended: bool) -> Patient:
    x, y = binary()
    if not mended:
        y = np.random.default_rng(1).permutation(y)
    return two_classes(net(x, 2), x, y)


@fault("targets in the hundred thousands", "unscaled-target", "data", "y.std()")
def _targets_in_the_hundred_thousands(mended: bool) -> Patient:
    x, y = measured()
    y = y if mended else 1e5 * (y + 3)
    model = net(x, 2, end=None)
    model.compile(adam(), "mean_squared_error")
    return Patient(model, x, y, y, "value", epochs=60)


@fault("one label in fifty", "class-imbalance", "data", "class_weight")
def _one_label_in_fifty(mended: bool) -> Patient:
    x = points(600)
    far = x[:, 0] + x[:, 1]
    y = (far > np.quantile(far, 0.5 if mended else 0.98)).astype("float32")
    return two_classes(net(x, 2), x, y, adam(0.001), epochs=15)


@fault("a word that the table has not", "index-range", "embedding", "rows")
def _a_word_that_the_table_has_not(mended: bool) -> Patient:
    import keras

    x, y = words()
    model = stack(
        x,
        keras.layers.Embedding(20 if mended else 15, 8, name="embedding"),
        keras.layers.Flatten(),
        dense(16, "relu", "hidden"),
        dense(1, "sigmoid", "output"),
    )
    return two_classes(model, x, y, adam(0.02))
