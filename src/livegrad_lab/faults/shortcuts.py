"""Faults of what normalises and looks around: a mean of one number, scores beyond all measure."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient, fault
from livegrad_lab.faults.models import adam, binary, dense, stack, two_classes


@fault("layer normalisation of one unit", "normalization", "norm", "without norm")
def _layer_normalisation_of_one_unit(mended: bool) -> Patient:
    import keras

    x, y = binary()
    last = [] if mended else [keras.layers.LayerNormalization(name="norm")]
    last.append(keras.layers.Activation("sigmoid", name="output"))
    model = stack(x, dense(32, "relu", "hidden_1"), dense(1, None, "score"), *last)
    return two_classes(model, x, y)


@fault("attention whose scores are not divided", "attention", "shares", "keras.ops.sqrt(d)")
def _attention_whose_scores_are_not_divided(mended: bool) -> Patient:
    import keras

    rng = np.random.default_rng(0)
    x = rng.standard_normal((256, 10, 8)).astype("float32")
    place = x[:, :, 0].argmax(axis=1)
    y = (x[np.arange(256), place, 1] > 0).astype("float32")
    scale = 1 / 256 if mended else 1.0

    def shares(pair: Any) -> Any:
        scores = keras.ops.matmul(pair[0], keras.ops.transpose(pair[1], (0, 2, 1)))
        return keras.ops.softmax(scores * scale, axis=-1)

    inputs = keras.Input((10, 8))
    normal = keras.initializers.RandomNormal
    query = dense(64, None, "query", kernel_initializer=normal(stddev=1.0, seed=1))(inputs)
    key = dense(64, None, "key", kernel_initializer=normal(stddev=1.0, seed=2))(inputs)
    told = keras.layers.Lambda(shares, output_shape=(10, 10), name="shares")([query, key])
    value = dense(16, "relu", "value")(inputs)
    context = keras.layers.Dot(axes=(2, 1), name="context")([told, value])
    flat = keras.layers.Flatten(name="flatten")(context)
    model = keras.Model(inputs, dense(1, "sigmoid", "output")(flat))
    return two_classes(model, x, y, adam(0.01), epochs=100)
