"""Steps that are too long or too short."""

from __future__ import annotations

import numpy as np

from livegrad._checks import Array
from livegrad_lab.faults.case import Patient
from livegrad_lab.faults.models import adam, dense, stack
from livegrad_lab.world.case import faulty
from livegrad_lab.world.published.data import (
    blobs,
    compiled,
    digits,
    exclusive_or,
    momentum,
    one_hot,
)


@faulty(
    "digits in five epochs of large batches",
    "learning rate too low",
    "optimizer",
    "model",
    source="DeepFD benchmark, Stack Overflow 44164749",
    DeepFD="learning rate; epochs",
    DeepLocalize="layers 6 and 7",
    UMLAUT="missing softmax before the loss; nonlinear activation of the last layer",
    AUTOTRAINER="no fault",
    DeepDiagnosis="no fault",
)
def _digits_in_five_epochs_of_large_batches(mended: bool) -> Patient:
    import keras

    x, y = digits(900)
    model = stack(
        x,
        dense(200, "relu", "hidden_1"),
        keras.layers.Dropout(0.1, name="dropout_1"),
        dense(60, "relu", "hidden_2"),
        keras.layers.Dropout(0.1, name="dropout_2"),
        dense(10, "softmax", "output"),
    )
    rate = momentum(0.05 if mended else 0.01)
    loss = "categorical_crossentropy"
    epochs = 10 if mended else 5
    return compiled(model, x, one_hot(y), loss, rate, y, "class", epochs=epochs, batch=300)


@faulty(
    "two squares and two hidden units in five epochs",
    "learning rate too low",
    "optimizer",
    "model",
    source="DeepFD benchmark, Stack Overflow 50306988",
    DeepFD="learning rate; epochs",
    DeepLocalize="layer 2, error in delta weights",
    UMLAUT="missing softmax before the loss; nonlinear activation of the last layer",
    AUTOTRAINER="oscillating loss",
    DeepDiagnosis="found and placed",
)
def _two_squares_and_two_hidden_units_in_five_epochs(mended: bool) -> Patient:
    import keras

    y = np.repeat([0, 1], 100)
    low, high = np.where(y, 0.5, 0.2)[:, None], np.where(y, 0.7, 0.4)[:, None]
    x = np.random.default_rng(0).uniform(low, high, (200, 2)).astype("float32")
    model = stack(x, dense(2, "sigmoid", "hidden"), dense(2, "softmax", "output"))
    rate = keras.optimizers.Adam(0.01 if mended else 0.001)
    loss = "categorical_crossentropy"
    epochs = 100 if mended else 5
    return compiled(model, x, one_hot(y), loss, rate, y, "class", epochs=epochs, batch=32)


@faulty(
    "a parabola with a rate of 0.1",
    "learning rate too high",
    "optimizer",
    source="DeepFD benchmark, Stack Overflow 48934338",
    DeepFD="learning rate",
    DeepLocalize="layer 1",
    UMLAUT="inputs exceed typical limits; learning rate is high; overfitting; missing softmax "
    "before the loss",
    AUTOTRAINER="no fault",
    DeepDiagnosis="found and placed",
)
def _a_parabola_with_a_rate_of_0_1(mended: bool) -> Patient:
    import keras

    x = np.arange(0, 5, 0.1, dtype="float32")[:, None]  # (50, 1)
    y = 5 * x[:, 0] ** 2 + np.random.default_rng(0).standard_normal(50).astype("float32") ** 3
    model = stack(
        x,
        keras.layers.Dense(50, activation="relu", name="hidden_1"),
        dense(30, "relu", "hidden_2", kernel_initializer="random_uniform"),
        dense(1, None, "output"),
    )
    rate = keras.optimizers.SGD(0.0001 if mended else 0.1)
    return compiled(model, x, y, "mean_squared_error", rate, y, "value", epochs=2000, batch=32)


@faulty(
    "pictures with a rate of 0.1 and momentum",
    "learning rate too high",
    "optimizer",
    source="DeepFD benchmark, Stack Overflow 37624102",
    DeepFD="learning rate; activation",
    DeepLocalize="layers 8 and 9",
    UMLAUT="missing softmax before the loss; missing activations; nonlinear activation of the last "
    "layer; wrong shape of the images; learning rate is high; validation accuracy",
    AUTOTRAINER="oscillating loss",
)
def _pictures_with_a_rate_of_0_1_and_momentum(mended: bool) -> Patient:
    import keras

    x, y = digits(800, pictures=True)
    layers = keras.layers
    model = stack(
        x,
        layers.Conv2D(16, 3, padding="same", activation="relu", name="conv_1"),
        layers.Conv2D(16, 3, padding="same", activation="relu", name="conv_2"),
        layers.MaxPooling2D(name="pool_1"),
        layers.Dropout(0.25, name="dropout_1"),
        layers.Conv2D(32, 3, padding="same", activation="relu", name="conv_3"),
        layers.Conv2D(32, 3, padding="same", activation="relu", name="conv_4"),
        layers.MaxPooling2D(name="pool_2"),
        layers.Dropout(0.25, name="dropout_2"),
        layers.Flatten(name="flatten"),
        layers.Dense(128, activation="relu", name="hidden"),
        layers.Dropout(0.5, name="dropout_3"),
        layers.Dense(10, activation="softmax", name="output"),
    )
    rate = momentum(0.01 if mended else 0.1)
    loss = "categorical_crossentropy"
    return compiled(model, x, one_hot(y), loss, rate, y, "class", epochs=10, batch=32)


@faulty(
    "a polynomial that stays a straight line",
    "learning rate too low",
    "optimizer",
    "model",
    source="DeepFD benchmark, Stack Overflow 44998910",
    DeepFD="learning rate",
    DeepLocalize="no report",
    UMLAUT="missing softmax before the loss; missing activations",
    AUTOTRAINER="no fault",
)
def _a_polynomial_that_stays_a_straight_line(mended: bool) -> Patient:
    import keras

    x = np.random.default_rng(0).random((2000, 1)).astype("float32")
    y = x[:, 0] ** 4 + x[:, 0] ** 3 - x[:, 0]
    model = stack(
        x,
        keras.layers.Dense(200, activation="relu", name="hidden_1"),
        keras.layers.Dense(45, activation="relu", name="hidden_2"),
        dense(1, None, "output"),
    )
    rate = keras.optimizers.SGD(0.03 if mended else 0.01)
    epochs = 80 if mended else 20
    return compiled(model, x, y, "mean_squared_error", rate, y, "value", epochs=epochs, batch=50)


@faulty(
    "keypoints with Adam at 0.1",
    "learning rate too high",
    "optimizer",
    source="DeepFD benchmark, ShyamPoovaiah/FacialKeypointsDetection",
    DeepFD="optimizer; learning rate",
    DeepLocalize="the model does not learn",
    AUTOTRAINER="no fault",
)
def _keypoints_with_adam_at_0_1(mended: bool) -> Patient:
    import keras

    x, _ = digits(500)
    # The centre of the ink stands in for the corners of eyes and mouth.
    place = np.linspace(-1, 1, 8, dtype="float32")
    ink = x.reshape(-1, 8, 8) / x.sum(axis=1)[:, None, None]
    y = 3 * np.stack([ink.sum(axis=1) @ place, ink.sum(axis=2) @ place], axis=1)  # (500, 2)
    x = x.reshape(-1, 8, 8).repeat(6, axis=1).repeat(6, axis=2).reshape(-1, 48 * 48)
    layers = [dense(50, None, "hidden_1"), dense(100, None, "hidden_2"), dense(2, None, "output")]
    clipped = keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True, clipnorm=1)
    rate = clipped if mended else keras.optimizers.Adam(0.1)
    return compiled(
        stack(x, *layers), x, y, "mean_squared_error", rate, y, "value", epochs=15, batch=32
    )


@faulty(
    "the game of life at the default rate",
    "learning rate too low",
    "optimizer",
    "loss",
    "model",
    source="DeepFD benchmark, alexander-travov/gol_nn",
    DeepFD="learning rate; epochs",
    DeepLocalize="no report",
    UMLAUT="missing softmax before the loss; nonlinear activation of the last layer",
    AUTOTRAINER="no fault",
)
def _the_game_of_life_at_the_default_rate(mended: bool) -> Patient:
    import keras

    # Of the three repairs the rate alone is enough.
    x = (np.random.default_rng(0).random((600, 10, 10, 1)) < 0.5).astype("float32")
    around = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="wrap")  # (600, 12, 12, 1)
    window = np.lib.stride_tricks.sliding_window_view(around, (3, 3), axis=(1, 2))
    alive = window.sum(axis=(-2, -1))  # with the cell itself
    y = ((alive == 3) | ((x == 1) & (alive == 4))).astype("float32")
    model = stack(
        around,
        keras.layers.Conv2D(10, 3, activation="relu", name="conv_1"),
        keras.layers.Conv2D(20, 1, activation="relu", name="conv_2"),
        keras.layers.Conv2D(1, 1, activation="sigmoid", name="output"),
    )
    rate = keras.optimizers.Adam(0.01 if mended else 0.001)
    loss = "mean_squared_error" if mended else "binary_crossentropy"
    epochs = 40 if mended else 20
    return compiled(model, around, y, loss, rate, y, "half", epochs=epochs)


@faulty(
    "larger pictures at a tenth of the default rate",
    "learning rate too low",
    "optimizer",
    "loss",
    "model",
    source="DeepLocalize benchmark, kcct-fujimotolab/keras-super-resolution",
    DeepLocalize="the model does not learn",
)
def _larger_pictures_at_a_tenth_of_the_default_rate(mended: bool) -> Patient:
    import keras

    y, _ = digits(400, pictures=True)
    small = y.reshape(-1, 4, 2, 4, 2, 1).mean(axis=(2, 4))  # (400, 4, 4, 1)
    x = small.repeat(2, axis=1).repeat(2, axis=2)  # (400, 8, 8, 1)
    model = stack(
        x,
        keras.layers.Conv2D(32, 3, padding="same", activation="relu", name="conv_1"),
        keras.layers.Conv2D(16, 5, padding="same", activation="relu", name="conv_2"),
        keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid", name="output"),
    )
    rate = keras.optimizers.Adam(0.001 if mended else 0.0001)
    loss = "mean_squared_error" if mended else "binary_crossentropy"
    epochs = 60 if mended else 15
    return compiled(model, x, y, loss, rate, y, "value", epochs=epochs)


@faulty(
    "a rate below zero",
    "learning rate too low",
    "optimizer",
    source="UMLAUT, program of the user study (eval_b.py)",
)
def _a_rate_below_zero(mended: bool) -> Patient:
    # The study planted it on purpose; no kind says "of the wrong sign", and below zero is too low.
    import keras

    x, y = digits(1000)
    model = stack(
        x, dense(64, "relu", "hidden_1"), dense(64, "relu", "hidden_2"), dense(10, None, "output")
    )
    rate = keras.optimizers.Adam(0.001 if mended else -1e3)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return compiled(model, x, y, loss, rate, y, "class", batch=128)


@faulty(
    "blobs one at a time with momentum",
    "batch size",
    "optimizer",
    "model",
    source="AUTOTRAINER, demonstration of an oscillating loss on blobs",
    AUTOTRAINER="oscillating loss",
)
def _blobs_one_at_a_time_with_momentum(mended: bool) -> Patient:
    import keras

    x, y = blobs()
    start = {"kernel_initializer": "he_uniform"}
    model = stack(x, dense(50, "relu", "hidden", **start), dense(3, "softmax", "output"))
    # Mended as by the tool, with Adam in place of the momentum.
    rate = keras.optimizers.Adam(0.001) if mended else keras.optimizers.SGD(0.01, momentum=0.9)
    loss = "categorical_crossentropy"
    return compiled(model, x, one_hot(y), loss, rate, y, "class", epochs=20, batch=1)


@faulty(
    "cubes of ones and of zeros",
    "learning rate too low",
    "optimizer",
    "data",
    "model",
    source="DeepFD benchmark, Stack Overflow 58237726",
    DeepFD="learning rate",
    DeepLocalize="no report",
    UMLAUT="missing softmax before the loss; missing activations; nonlinear activation of the last "
    "layer",
    AUTOTRAINER="oscillating loss",
)
def _cubes_of_ones_and_of_zeros(mended: bool) -> Patient:
    import keras

    y = np.repeat([1, 0], 60)
    x: Array = np.broadcast_to(y[:, None, None, None, None], (120, 4, 4, 4, 3)).astype("float32")
    layers = keras.layers
    narrow = [
        layers.Conv3D(64, 4, 2, padding="same", activation="relu", name="conv_1"),
        layers.GlobalAveragePooling3D(name="pool"),
        layers.Reshape((1, 64), name="reshape_1"),
        layers.Conv1D(1, 1, activation="relu", name="conv_2"),
        layers.Reshape((1,), name="reshape_2"),
    ]
    wide = [
        layers.Conv3D(64, 4, 2, padding="same", activation="relu", name="conv_1"),
        layers.Conv3D(8, 2, 2, padding="same", activation="relu", name="conv_2"),
        layers.GlobalAveragePooling3D(name="pool"),
    ]
    model = stack(x, *(wide if mended else narrow), dense(2, "softmax", "output"))
    rate = keras.optimizers.Adam(0.01 if mended else 0.001)
    loss = "categorical_crossentropy"
    return compiled(model, x, one_hot(y), loss, rate, y, "class", epochs=2, batch=12)


@faulty(
    "exclusive or in small steps of the absolute error",
    "learning rate too low",
    "optimizer",
    "loss",
    "model",
    source="DeepFD benchmark, Stack Overflow 31556268",
    DeepFD="learning rate; activation; loss; epochs",
    DeepLocalize="layer 3, error in output gradient",
    UMLAUT="learning rate is high; overfitting; missing softmax before the loss; missing "
    "activations; nonlinear activation of the last layer",
    AUTOTRAINER="no fault",
    DeepDiagnosis="found and placed",
)
def _exclusive_or_in_small_steps_of_the_absolute_error(mended: bool) -> Patient:
    # Fifty times the epochs mend it as well, says the answer; the smoother loss alone does not.
    import keras

    x, y = exclusive_or()
    model = stack(x, dense(4, "sigmoid", "hidden"), dense(1, "sigmoid", "output"))
    slow = keras.optimizers.SGD(0.05, momentum=0.11, nesterov=True)
    loss, rate = ("mean_squared_error", adam(0.01)) if mended else ("mean_absolute_error", slow)
    return compiled(model, x, y, loss, rate, y, "half", epochs=4000, batch=4)
