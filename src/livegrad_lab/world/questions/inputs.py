"""Questions about the data: its scale, the scale of the targets, and labels of other inputs."""

from __future__ import annotations

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.faults.models import adam, dense, net, sgd, stack
from livegrad_lab.world.case import faulty
from livegrad_lab.world.questions.data import (
    diabetes,
    digits,
    enlarged,
    many_classes,
    measurements,
)


@faulty(
    "clothes of 0 to 255 in a network of ReLUs",
    "scale of the inputs",
    "data",
    source="Cross Validated 367057",
)
def _clothes_of_0_to_255_in_a_network_of_relus(mended: bool) -> Patient:
    x, y = enlarged()
    if mended:
        x = x / 255
    model = net(x, 2, "relu", "glorot_uniform", 10, "softmax", width=128)
    return many_classes(model, x, y, sgd(0.01), epochs=20, batch=32)


@faulty(
    "sensors of an engine as they were read",
    "scale of the inputs",
    "data",
    source="github.com/austineaero/Remaining-Useful-Life-RUL-Estimation issue 19",
)
def _sensors_of_an_engine_as_they_were_read(mended: bool) -> Patient:
    import keras

    rng = np.random.default_rng(0)
    worn = rng.uniform(0, 1, 300)
    drift = worn[:, None, None] * np.linspace(0.5, 1, 20)[:, None] * [1, -1, 0.5, 1, -0.5]
    x = drift + 0.2 * rng.standard_normal((300, 20, 5))  # (300, 20, 5)
    if not mended:
        x = [9050, 2388, 642, 0.03, 47] + x * [20, 0.1, 1, 0.002, 0.3]
    model = stack(x, keras.layers.LSTM(16, name="lstm"), dense(1, None, "output"))
    y = 1 - worn
    return measurements(model, x.astype("float32"), y, adam(0.005), epochs=40, batch=32)


@faulty(
    "pictures divided by 255 twice",
    "scale of the inputs",
    "data",
    source="github.com/pkmital/pycadl pull request 5",
)
def _pictures_divided_by_255_twice(mended: bool) -> Patient:
    x, y = digits()
    if not mended:
        x = x / 255
    model = net(x, 2, "relu", "glorot_uniform", 10, "softmax")
    return many_classes(model, x, y, adam(0.001), epochs=40, batch=50)


@faulty(
    "spread of a pixel that was constant where it was measured",
    "scale of the inputs",
    "data",
    source="github.com/keras-team/keras issue 20011",
)
def _spread_of_a_pixel_that_was_constant_where_it_was_measured(mended: bool) -> Patient:
    x, y = digits()
    part = x[:30]
    spread = np.maximum(part.std(axis=0), 1e-7)
    if mended:
        # As scikit-learn has it: what does not vary is left as it is.
        spread = np.where(spread > 1e-6, spread, 1)
    x = ((x - part.mean(axis=0)) / spread).astype("float32")
    return many_classes(net(x, 2, out=10, end="softmax"), x, y, sgd(0.05), batch=50)


@faulty(
    "prices of houses in dollars",
    "scale of the targets",
    "data",
    "loss",
    "optimizer",
    source="github.com/rstudio-conf-2020/dl-keras-tf issue 9",
)
def _prices_of_houses_in_dollars(mended: bool) -> Patient:
    x, _ = diabetes()
    y = np.exp(12 + 0.4 * x[:, 2] + 0.2 * x[:, 3] - 0.1 * x[:, 5])  # to some 700 000
    if mended:
        y = np.log1p(y)  # what mean_squared_logarithmic_error compares
    model = net(x, 2, "relu", "glorot_uniform", 1, None)
    return measurements(model, x, y.astype("float32"), sgd(0.01 if mended else 0.1), batch=16)


@faulty(
    "fourth power of a hundred",
    "scale of the targets",
    "data",
    "output",
    source="Stack Overflow 52800582",
)
def _fourth_power_of_a_hundred(mended: bool) -> Patient:
    x = np.linspace(-100, 100, 400, dtype="float32").reshape(-1, 1)
    y = x[:, 0] ** 4
    if mended:
        x, y = x / 100, y / 1e8
    layers = [dense(50, "sigmoid", "hidden_1"), dense(50, "elu", "hidden_2")]
    model = stack(x, *layers, dense(1, None, "output"))
    return measurements(model, x, y, adam(0.01), epochs=80, batch=40)


@faulty(
    "four in a hundred rows of the class that counts",
    "class imbalance",
    "data",
    "model",
    "output",
    source="github.com/keras-team/keras issue 14141",
)
def _four_in_a_hundred_rows_of_the_class_that_counts(mended: bool) -> Patient:
    rng = np.random.default_rng(0)
    y = (np.arange(5000) % 25 == 0).astype("float32")
    x = (rng.standard_normal((5000, 10)) + 0.7 * y[:, None]).astype("float32")
    if mended:
        # As many rows of the other class as there are of this.
        kept = np.concatenate([np.flatnonzero(y == 1), np.flatnonzero(y == 0)[:200]])
        x, y = x[kept], y[kept]
    model = net(x, 1, "relu", "glorot_uniform", width=8)
    epochs = 40 if mended else 4  # of as many steps
    model.compile(adam(0.003), "binary_crossentropy", metrics=["accuracy"])
    return Patient(model, x, y, y, "half", epochs=epochs, batch=32)


@faulty(
    "features in the order of a shuffled generator and labels in that of the folders",
    "labels unrelated to the inputs",
    "data",
    source="github.com/keras-team/keras pull request 7520",
)
def _features_in_the_order_of_a_shuffled_generator(mended: bool) -> Patient:
    x, y = digits(500)
    folders = np.argsort(y, kind="stable")
    x, y = x[folders], y[folders]
    if not mended:
        x = x[np.random.default_rng(0).permutation(500)]
    model = net(x, 1, "relu", "glorot_uniform", 10, "softmax", width=64)
    return many_classes(model, x, y, adam(0.001), epochs=20, batch=50)


@faulty(
    "boxes of other pictures",
    "labels unrelated to the inputs",
    "data",
    source="github.com/MultimediaTechLab/YOLO issue 85",
)
def _boxes_of_other_pictures(mended: bool) -> Patient:
    import keras

    rng = np.random.default_rng(0)
    corner = rng.integers(0, 9, (400, 2))
    x = 0.2 * rng.standard_normal((400, 12, 12, 1)).astype("float32")
    for picture, (top, left) in zip(x, corner, strict=True):
        picture[top : top + 4, left : left + 4] += 1
    truth = (corner / 8).astype("float32")
    y = truth if mended else truth[rng.permutation(400)]
    model = stack(
        x,
        keras.layers.Conv2D(8, 3, strides=2, activation="relu", name="conv"),
        keras.layers.Flatten(name="flatten"),
        dense(32, "relu", "hidden"),
        dense(2, None, "box"),
    )
    model.compile(adam(0.003), "mean_squared_error")
    return Patient(model, x, y, truth, "value", epochs=30, batch=40)
