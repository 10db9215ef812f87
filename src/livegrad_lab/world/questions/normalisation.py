"""Questions about normalisation and about numbers of sixteen bits."""

from __future__ import annotations

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.faults.models import adam, dense, stack
from livegrad_lab.world.case import faulty
from livegrad_lab.world.questions.data import digits, many_classes, measurements, pictures


@faulty(
    "batch normalisation of one example at a time",
    "normalisation",
    "norm",
    "optimizer",
    "data",
    source="github.com/karpathy/makemore issue 22",
)
def _batch_normalisation_of_one_example_at_a_time(mended: bool) -> Patient:
    import keras

    x, y = digits(300)
    model = stack(
        x,
        dense(32, None, "hidden", use_bias=False),
        keras.layers.BatchNormalization(momentum=0.9, name="norm"),
        keras.layers.Activation("tanh", name="tanh"),
        dense(10, "softmax", "output"),
    )
    batch = 32 if mended else 1
    return many_classes(model, x, y, adam(0.003), epochs=40 if mended else 8, batch=batch)


@faulty(
    "running mean too slow for so few steps",
    "normalisation",
    "norm_1",
    "norm_2",
    source="github.com/soloice/Chinese-Character-Recognition issue 5",
)
def _running_mean_too_slow_for_so_few_steps(mended: bool) -> Patient:
    import keras

    x, y = pictures(500)
    momentum = 0.9 if mended else 0.999
    model = stack(
        x,
        keras.layers.Conv2D(8, 3, name="conv_1"),
        keras.layers.BatchNormalization(momentum=momentum, name="norm_1"),
        keras.layers.Activation("relu", name="relu_1"),
        keras.layers.Conv2D(16, 3, name="conv_2"),
        keras.layers.BatchNormalization(momentum=momentum, name="norm_2"),
        keras.layers.Activation("relu", name="relu_2"),
        keras.layers.Flatten(name="flatten"),
        dense(10, "softmax", "output"),
    )
    return many_classes(model, x, y, adam(0.01), epochs=10, batch=50)


@faulty(
    "residual network in half precision with an epsilon that is none",
    "precision",
    "optimizer",
    "model",
    source="github.com/keras-team/keras issue 11832",
)
def _residual_network_in_half_precision(mended: bool) -> Patient:
    import keras

    y, _ = pictures(200)
    x = (y + 0.3 * np.random.default_rng(0).standard_normal(y.shape)).astype("float32")
    inputs = keras.Input((8, 8, 1), dtype="float16")
    more = {"padding": "same", "dtype": "float16"}
    h = keras.layers.Conv2D(16, 3, name="head", **more)(inputs)
    for at in (1, 2):
        branch = keras.layers.Conv2D(16, 3, activation="relu", name=f"conv_{at}a", **more)(h)
        branch = keras.layers.Conv2D(16, 3, name=f"conv_{at}b", **more)(branch)
        h = keras.layers.Add(name=f"add_{at}", dtype="float16")([h, branch])
    model = keras.Model(inputs, keras.layers.Conv2D(1, 3, name="tail", **more)(h))
    optimizer = keras.optimizers.Adam(0.001, epsilon=1e-4 if mended else 1e-7)
    return measurements(model, x, y, optimizer, epochs=30, batch=20)


@faulty(
    "digits in half precision from end to end",
    "precision",
    "optimizer",
    "model",
    "output",
    source="github.com/keras-team/keras issue 4032",
)
def _digits_in_half_precision_from_end_to_end(mended: bool) -> Patient:
    import keras

    x, y = digits(500)
    kind = "float32" if mended else "float16"
    model = stack(
        x,
        dense(32, "relu", "hidden_1", dtype=kind),
        dense(32, "relu", "hidden_2", dtype=kind),
        dense(10, "softmax", "output", dtype=kind),
    )
    return many_classes(model, x, y, keras.optimizers.Adam(0.003), batch=50)
