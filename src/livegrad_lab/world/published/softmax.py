"""A softmax over one unit, which is always one."""

from __future__ import annotations

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.faults.models import dense, series, stack
from livegrad_lab.world.case import faulty
from livegrad_lab.world.published.data import compiled, exclusive_or, momentum, scaled


@faulty(
    "a weighted sum through a softmax over one unit",
    "output activation",
    "output",
    source="DeepFD benchmark, Stack Overflow 33969059",
    DeepFD="learning rate",
    DeepLocalize="layer 6, error in delta weights",
    UMLAUT="inputs exceed typical limits; learning rate is high; missing softmax before the loss; "
    "nonlinear activation of the last layer",
    AUTOTRAINER="no fault",
    DeepDiagnosis="found and placed",
)
def _a_weighted_sum_through_a_softmax_over_one_unit(mended: bool) -> Patient:
    # The dropout of one half on three and two units is left out: DeepFD's sheet notes that with it
    # no repair helps.
    x = np.random.default_rng(0).random((500, 3)).astype("float32")
    y = x @ np.array([2, 1, 0.5], "float32") + 2.2
    start = {"kernel_initializer": "random_uniform"}
    model = stack(
        x,
        dense(3, "tanh", "hidden_1", **start),
        dense(2, "tanh", "hidden_2", **start),
        dense(1, None if mended else "softmax", "output", **start),
    )
    return compiled(model, x, y, "mean_squared_error", momentum(0.1), y, "value", epochs=60)


@faulty(
    "exclusive or through a softmax over one unit",
    "output activation",
    "output",
    "optimizer",
    "hidden_1",
    "hidden_2",
    source="DeepFD benchmark, Stack Overflow 34311586",
    DeepFD="learning rate",
    DeepLocalize="layer 2, error in delta weights",
    UMLAUT="missing softmax before the loss; nonlinear activation of the last layer",
    AUTOTRAINER="no fault",
    DeepDiagnosis="found and placed",
)
def _exclusive_or_through_a_softmax_over_one_unit(mended: bool) -> Patient:
    x, y = exclusive_or()
    # Mended as DeepLocalize's program: sigmoid, a hundred times the rate, and more epochs.
    start = {} if mended else {"kernel_initializer": "random_uniform"}
    model = stack(
        x,
        dense(2, "sigmoid", "hidden_1", **start),
        dense(3, "sigmoid", "hidden_2", **start),
        dense(1, "sigmoid" if mended else "softmax", "output", **start),
    )
    rate = momentum(0.1 if mended else 0.001)
    epochs = 8000 if mended else 2000
    return compiled(model, x, y, "mean_squared_error", rate, y, "half", epochs=epochs, batch=4)


@faulty(
    "vectors of ones and of zeros through a softmax over one unit",
    "output activation",
    "output",
    source="DeepFD benchmark, Stack Overflow 31880720",
    DeepFD="activation; epochs",
    DeepLocalize="layer 6",
    UMLAUT="missing softmax before the loss; missing activations; nonlinear activation of the last "
    "layer",
    AUTOTRAINER="no fault",
    DeepDiagnosis="found and placed",
)
def _vectors_of_ones_and_of_zeros_through_a_softmax_over_one_unit(mended: bool) -> Patient:
    import keras

    y = np.repeat([1, 0], 200).astype("float32")
    x = np.repeat(y[:, None], 128, axis=1)  # (400, 128)
    model = stack(
        x,
        dense(50, "relu", "hidden_1"),
        keras.layers.Dropout(0.2, name="dropout_1"),
        dense(50, "relu", "hidden_2"),
        keras.layers.Dropout(0.2, name="dropout_2"),
        dense(1, "sigmoid" if mended else "softmax", "output"),
    )
    return compiled(model, x, y, "binary_crossentropy", "rmsprop", y, "half", epochs=10)


@faulty(
    "five features through a softmax over one unit",
    "output activation",
    "output",
    source="DeepFD benchmark, Stack Overflow 45337371",
    DeepFD="learning rate; activation",
    DeepLocalize="layer 4",
    UMLAUT="missing softmax before the loss; missing activations; nonlinear activation of the last "
    "layer",
    AUTOTRAINER="no fault",
    DeepDiagnosis="found and placed",
)
def _five_features_through_a_softmax_over_one_unit(mended: bool) -> Patient:
    x = np.random.default_rng(0).random((400, 5)).astype("float32")
    y = (x.sum(axis=1) > 2.5).astype("float32")
    model = stack(
        x,
        dense(60, "relu", "hidden_1"),
        dense(50, "relu", "hidden_2"),
        dense(1, "sigmoid" if mended else "softmax", "output"),
    )
    return compiled(model, x, y, "binary_crossentropy", "adam", y, "half")


@faulty(
    "one feature through one sigmoid and a softmax over one unit",
    "output activation",
    "output",
    "loss",
    "data",
    source="DeepFD benchmark, Stack Overflow 45442843",
    DeepFD="optimizer; learning rate",
    DeepLocalize="layer 2",
    UMLAUT="inputs exceed typical limits; validation accuracy; missing softmax before the loss; "
    "missing activations; nonlinear activation of the last layer",
    AUTOTRAINER="no fault",
    DeepDiagnosis="found and placed",
)
def _one_feature_through_one_sigmoid_and_a_softmax_over_one_unit(mended: bool) -> Patient:
    x = np.random.default_rng(0).uniform(0, 60, (400, 1)).astype("float32")
    y = (x[:, 0] > 30).astype("float32")
    model = stack(
        x,
        dense(1, "sigmoid", "hidden"),
        dense(1, "sigmoid" if mended else "softmax", "output", kernel_initializer="random_normal"),
    )
    loss = "binary_crossentropy" if mended else "mean_absolute_error"
    x = scaled(x) if mended else x
    return compiled(model, x, y, loss, "rmsprop", y, "half", epochs=600, batch=200)


@faulty(
    "a series through a convolution and a softmax over one unit",
    "output activation",
    "output",
    source="NeuraLint's Stack Overflow programs, 51749207",
)
def _a_series_through_a_convolution_and_a_softmax_over_one_unit(mended: bool) -> Patient:
    import keras

    x, y = series()
    model = stack(
        x,
        keras.layers.Conv1D(20, 4, padding="same", activation="relu", name="conv"),
        keras.layers.MaxPooling1D(2, name="pool"),
        keras.layers.Dropout(0.3, name="dropout"),
        keras.layers.Flatten(name="flatten"),
        dense(50, "relu", "hidden"),
        dense(1, "sigmoid" if mended else "softmax", "output"),
    )
    return compiled(model, x, y, "binary_crossentropy", "nadam", y, "half", epochs=40, batch=8)
