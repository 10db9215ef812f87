"""Hidden layers: how they start, their activations, and what reaches their weights."""

from __future__ import annotations

from typing import Any

from livegrad_lab.faults.case import Patient
from livegrad_lab.faults.models import adam, dense, stack
from livegrad_lab.world.case import faulty
from livegrad_lab.world.published.data import (
    bits,
    compiled,
    digits,
    one_hot,
)


@faulty(
    "eight bits through three sigmoids",
    "hidden activation",
    "hidden_1",
    "hidden_2",
    "optimizer",
    "loss",
    "model",
    source="DeepFD benchmark, Stack Overflow 39217567",
    DeepFD="optimizer",
    DeepLocalize="no report",
    UMLAUT="overfitting; missing softmax before the loss; nonlinear activation of the last layer",
    AUTOTRAINER="no fault",
    DeepDiagnosis="found and placed",
)
def _eight_bits_through_three_sigmoids(mended: bool) -> Patient:
    x = bits()
    hidden = "relu" if mended else "sigmoid"
    start = {"kernel_initializer": "random_normal"}
    model = stack(
        x,
        dense(8, hidden, "hidden_1", **start),
        dense(8, hidden, "hidden_2", **start),
        dense(8, "sigmoid", "output", **start),
    )
    loss = "binary_crossentropy" if mended else "mean_squared_error"
    batch = 1 if mended else 50
    return compiled(model, x, x, loss, "sgd", x, "half", epochs=500, batch=batch)


def _lenet(x: Any, activation: str | None, start: str) -> Any:
    """Return two convolutions with poolings, a dense layer and a dropout."""
    import keras

    layers = keras.layers
    more = {"activation": activation, "padding": "same", "kernel_initializer": start}
    return stack(
        x,
        layers.Conv2D(16, 5, name="conv_1", **more),
        layers.MaxPooling2D(name="pool_1"),
        layers.Conv2D(32, 5, name="conv_2", **more),
        layers.MaxPooling2D(name="pool_2"),
        layers.Flatten(name="flatten"),
        layers.Dense(64, activation="relu", kernel_initializer=start, name="hidden"),
        layers.Dropout(0.25, name="dropout"),
        layers.Dense(10, activation="softmax", name="output"),
    )


def _lenet_patient(model: Any, x: Any, y: Any, epochs: int = 10) -> Patient:
    """Compile for ten classes."""
    loss = "categorical_crossentropy"
    return compiled(model, x, one_hot(y), loss, adam(0.001), y, "class", epochs=epochs, batch=32)


@faulty(
    "kernels that start from one constant",
    "initial weights",
    "conv_1",
    "conv_2",
    "hidden",
    "model",
    source="NeuraLint's synthetic programs, TF_lenet_constant_init",
)
def _kernels_that_start_from_one_constant(mended: bool) -> Patient:
    import keras

    x, y = digits(800, pictures=True)
    start: Any = "glorot_uniform" if mended else keras.initializers.Constant(0.1)
    return _lenet_patient(_lenet(x, "relu", start), x, y)


@faulty(
    "kernels that start from zero",
    "initial weights",
    "conv_1",
    "conv_2",
    "hidden",
    "model",
    source="NeuraLint's synthetic programs, TF_lenet_zeros_init",
)
def _kernels_that_start_from_zero(mended: bool) -> Patient:
    x, y = digits(800, pictures=True)
    return _lenet_patient(_lenet(x, "relu", "glorot_uniform" if mended else "zeros"), x, y)


@faulty(
    "sigmoids between the convolutions",
    "hidden activation",
    "conv_1",
    "conv_2",
    "hidden",
    "model",
    source="NeuraLint's synthetic programs, TF_lenet_double_activation",
)
def _sigmoids_between_the_convolutions(mended: bool) -> Patient:
    x, y = digits(800, pictures=True)
    return _lenet_patient(_lenet(x, "relu" if mended else "sigmoid", "glorot_uniform"), x, y)


@faulty(
    "convolutions and dense layers without a nonlinearity",
    "hidden activation",
    "conv_1",
    "conv_2",
    "hidden_1",
    "hidden_2",
    "model",
    source="UMLAUT, program of the user study (eval_b.py)",
)
def _convolutions_and_dense_layers_without_a_nonlinearity(mended: bool) -> Patient:
    import keras
    import numpy as np

    # Whether two bars lie the same way, which no linear function tells.
    rng = np.random.default_rng(0)
    ways = rng.integers(0, 2, (600, 2))
    x = 0.2 * rng.standard_normal((600, 8, 8, 1)).astype("float32")
    for at, (left, right) in enumerate(ways):
        for column, way in ((0, left), (4, right)):
            bar = x[at, 2:6, column : column + 4, 0]
            bar[1 if way else slice(None), slice(None) if way else 1] += 1
    y = (ways[:, 0] == ways[:, 1]).astype(int)
    kind = "relu" if mended else None
    model = stack(
        x,
        keras.layers.Conv2D(16, 3, activation=kind, name="conv_1"),
        keras.layers.Conv2D(16, 3, activation=kind, name="conv_2"),
        keras.layers.Dropout(0.2, name="dropout_1"),
        keras.layers.Flatten(name="flatten"),
        keras.layers.Dense(64, activation=kind, name="hidden_1"),
        keras.layers.Dense(64, activation=kind, name="hidden_2"),
        keras.layers.Dropout(0.2, name="dropout_2"),
        keras.layers.Dense(2, name="output"),
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return compiled(model, x, y, loss, "adam", y, "class", epochs=20, batch=64)


@faulty(
    "a dropout of 0.8 behind every block",
    "dropout",
    "dropout_1",
    "dropout_2",
    "dropout_3",
    source="UMLAUT, program of the user study (pilot_boilerplate.py)",
)
def _a_dropout_of_0_8_behind_every_block(mended: bool) -> Patient:
    import keras

    x, y = digits(800, pictures=True)
    rate = 0.2 if mended else 0.8
    layers = keras.layers
    model = stack(
        x,
        layers.Conv2D(16, 3, padding="same", activation="relu", name="conv_1"),
        layers.MaxPooling2D(name="pool_1"),
        layers.Dropout(rate, name="dropout_1"),
        layers.Conv2D(32, 3, padding="same", activation="relu", name="conv_2"),
        layers.MaxPooling2D(name="pool_2"),
        layers.Dropout(rate, name="dropout_2"),
        layers.Flatten(name="flatten"),
        layers.Dense(32, activation="relu", name="hidden_1"),
        layers.Dense(32, activation="relu", name="hidden_2"),
        layers.Dropout(rate, name="dropout_3"),
        layers.Dense(10, activation="softmax", name="output"),
    )
    loss = "sparse_categorical_crossentropy"
    return compiled(model, x, y, loss, "adam", y, "class", epochs=15, batch=128)


@faulty(
    "a dropout of one half in front of every activation",
    "dropout",
    "dropout_1",
    "dropout_2",
    "dropout_3",
    "model",
    source="DeepLocalize benchmark, sammyhaq/hotdog-sandwich",
)
def _a_dropout_of_one_half_in_front_of_every_activation(mended: bool) -> Patient:
    import keras

    x, y = digits(800, pictures=True)
    y = (y > 4).astype(int)
    layers = keras.layers
    if mended:
        hidden = [
            layers.Conv2D(16, 3, 2, padding="same", activation="elu", name="conv_1"),
            layers.Conv2D(32, 3, 2, padding="same", activation="elu", name="conv_2"),
            layers.Conv2D(64, 3, padding="same", name="conv_3"),
            layers.Flatten(name="flatten"),
            layers.Dropout(0.2, name="dropout"),
            layers.Activation("elu", name="activation"),
            layers.Dense(128, activation="elu", name="hidden_1"),
        ]
    else:
        hidden = []
        for at, filters in enumerate((8, 16, 32), 1):
            hidden += [
                layers.Conv2D(filters, 3, name=f"conv_{at}"),
                layers.Dropout(0.5, name=f"dropout_{at}"),
                layers.Activation("relu", name=f"activation_{at}"),
            ]
        hidden += [
            layers.Flatten(name="flatten"),
            layers.Dense(60, activation="relu", name="hidden_1"),
            layers.Dense(30, name="hidden_2"),
        ]
    model = stack(x, *hidden, layers.Dense(2, activation="softmax", name="output"))
    loss = "categorical_crossentropy"
    return compiled(model, x, one_hot(y), loss, "adam", y, "class", epochs=5, batch=32)
