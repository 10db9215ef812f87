"""Labels, losses and metrics of another task."""

from __future__ import annotations

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.faults.models import adam, dense, stack
from livegrad_lab.world.case import faulty
from livegrad_lab.world.published.data import bits, compiled, digits, one_hot


@faulty(
    "three classes through one sigmoid",
    "loss of another task",
    "output",
    "loss",
    "data",
    source="DeepFD benchmark, Stack Overflow 50079585",
    DeepFD="learning rate; epochs",
    DeepLocalize="no report",
    UMLAUT="missing softmax before the loss; missing activations; nonlinear activation of the last "
    "layer",
    AUTOTRAINER="oscillating loss",
)
def _three_classes_through_one_sigmoid(mended: bool) -> Patient:
    import keras

    x, y = digits(1000, pictures=True)
    x, y = x[y < 3], y[y < 3]
    model = stack(
        x,
        keras.layers.Conv2D(8, 3, activation="relu", name="conv_1"),
        keras.layers.MaxPooling2D(name="pool_1"),
        keras.layers.Conv2D(16, 3, padding="same", activation="relu", name="conv_2"),
        keras.layers.Flatten(name="flatten"),
        dense(64, "relu", "hidden"),
        keras.layers.Dropout(0.5, name="dropout"),
        dense(3 if mended else 1, "softmax" if mended else "sigmoid", "output"),
    )
    loss = "categorical_crossentropy" if mended else "binary_crossentropy"
    target = one_hot(y) if mended else y.astype("float32")
    return compiled(model, x, target, loss, "rmsprop", y, "class", epochs=10, batch=16)


@faulty(
    "class numbers divided by 255",
    "labels",
    "data",
    "loss",
    source="DeepFD benchmark, Stack Overflow 59325381",
    DeepFD="loss",
    DeepLocalize="no report",
    UMLAUT="missing softmax before the loss; missing activations; nonlinear activation of the last "
    "layer",
    AUTOTRAINER="no fault",
    DeepDiagnosis="found and placed",
)
def _class_numbers_divided_by_255(mended: bool) -> Patient:
    import keras

    x, y = digits(800, pictures=True)
    model = stack(
        x,
        keras.layers.Conv2D(16, 3, padding="same", name="conv_1"),
        keras.layers.MaxPooling2D(name="pool_1"),
        keras.layers.Conv2D(8, 3, padding="same", name="conv_2"),
        keras.layers.MaxPooling2D(name="pool_2"),
        keras.layers.Flatten(name="flatten"),
        dense(64, "relu", "hidden"),
        dense(10, "softmax", "output"),
    )
    target = one_hot(y) if mended else (y / 255).astype("float32")
    loss = "categorical_crossentropy" if mended else "sparse_categorical_crossentropy"
    return compiled(model, x, target, loss, "adam", y, "class", epochs=15)


@faulty(
    "eight bits to copy, in another order",
    "labels unrelated to the inputs",
    "data",
    source="DeepLocalize benchmark, Stack Overflow 39217567",
    DeepFD="optimizer",
    DeepLocalize="no report",
    UMLAUT="overfitting; missing softmax before the loss; nonlinear activation of the last layer",
    AUTOTRAINER="no fault",
    DeepDiagnosis="found and placed",
)
def _eight_bits_to_copy_in_another_order(mended: bool) -> Patient:
    x = bits()
    y = x if mended else np.random.default_rng(0).permutation(x)
    model = stack(
        x,
        dense(8, "relu", "hidden_1"),
        dense(8, "relu", "hidden_2"),
        dense(8, "sigmoid", "output"),
    )
    return compiled(model, x, y, "mean_squared_error", adam(0.01), x, "half", epochs=400, batch=50)


@faulty(
    "accuracy of single columns for ten classes",
    "metric",
    "loss",
    "output",
    "model",
    source="DeepFD benchmark, Stack Overflow 41327601",
    DeepFD="optimizer",
    DeepLocalize="layer 10",
    UMLAUT="inputs exceed typical limits; validation accuracy; overfitting; missing softmax before "
    "the loss; nonlinear activation of the last layer",
    AUTOTRAINER="no fault",
)
def _accuracy_of_single_columns_for_ten_classes(mended: bool) -> Patient:
    # Only what is displayed is wrong, 90 % for a model that knows nothing; the scores are alike.
    # Keras took the binary accuracy on its own then; now it must be asked for.
    import keras

    x, y = digits(800, pictures=True)
    model = stack(
        x,
        keras.layers.Conv2D(16, 3, activation="relu", name="conv"),
        keras.layers.MaxPooling2D(name="pool"),
        keras.layers.Flatten(name="flatten"),
        dense(32, "relu", "hidden"),
        dense(10, "softmax", "output"),
    )
    loss = "categorical_crossentropy" if mended else "binary_crossentropy"
    metric = "categorical_accuracy" if mended else "binary_accuracy"
    model.compile(keras.optimizers.Adamax(0.003), loss, metrics=[metric])
    return Patient(model, x, one_hot(y), y, "class", epochs=40)


@faulty(
    "classes for every step of a series that has one",
    "wrong axis",
    "output",
    "hidden",
    "data",
    "model",
    source="NeuraLint's Stack Overflow programs, 61030068",
)
def _classes_for_every_step_of_a_series_that_has_one(mended: bool) -> Patient:
    import keras

    x, y = digits(800)
    x = x[:, :, None]  # (800, 64, 1)
    between = [keras.layers.Flatten(name="flatten")] if mended else []
    model = stack(
        x,
        keras.layers.Conv1D(16, 3, activation="relu", name="conv_1"),
        keras.layers.MaxPooling1D(2, name="pool_1"),
        keras.layers.Conv1D(16, 3, activation="relu", name="conv_2"),
        keras.layers.MaxPooling1D(2, name="pool_2"),
        *between,
        dense(64, "relu", "hidden"),
        dense(10, "softmax", "output"),
    )
    loss = "categorical_crossentropy"
    return compiled(model, x, one_hot(y), loss, adam(), y, "class", epochs=15)
