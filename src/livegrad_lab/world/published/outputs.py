"""Outputs that cannot say what the labels say."""

from __future__ import annotations

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.faults.models import dense, stack
from livegrad_lab.world.case import faulty
from livegrad_lab.world.published.data import (
    blobs,
    circles,
    compiled,
    digits,
    one_hot,
)


@faulty(
    "digits through layers without activations",
    "output activation",
    "hidden",
    "output",
    "loss",
    "optimizer",
    source="DeepFD benchmark, Stack Overflow 48385830",
    DeepFD="activation; loss",
    DeepLocalize="layer 1, error in forward",
    UMLAUT="missing softmax before the loss; missing activations",
    AUTOTRAINER="exploding gradient",
    DeepDiagnosis="found and placed",
)
def _digits_through_layers_without_activations(mended: bool) -> Patient:
    import keras

    x, y = digits(600)
    wide = {
        "kernel_initializer": keras.initializers.RandomNormal(stddev=1),
        "bias_initializer": keras.initializers.RandomNormal(stddev=1),
    }
    model = stack(
        x,
        dense(30, "sigmoid" if mended else None, "hidden", **wide),
        dense(10, "softmax" if mended else None, "output", **wide),
    )
    loss = "categorical_crossentropy" if mended else "mean_squared_error"
    rate = keras.optimizers.SGD(3.0)
    return compiled(model, x, one_hot(y), loss, rate, y, "class", batch=10)


@faulty(
    "a regression through a ReLU",
    "output activation",
    "output",
    source="DeepFD benchmark, Stack Overflow 48251943",
    DeepFD="learning rate",
    DeepLocalize="no report",
    UMLAUT="overfitting; missing softmax before the loss; nonlinear activation of the last layer",
    AUTOTRAINER="no fault",
    DeepDiagnosis="found and placed",
)
def _a_regression_through_a_relu(mended: bool) -> Patient:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 2)).astype("float32")
    y = np.tanh(0.7 * x[:, 0] - 0.5 * x[:, 1] - 0.3).astype("float32")
    model = stack(x, dense(4, "relu", "hidden"), dense(1, "tanh" if mended else "relu", "output"))
    return compiled(model, x, y, "mean_squared_error", "sgd", y, "value", epochs=50, batch=10)


@faulty(
    "several labels at once through a softmax",
    "output activation",
    "output",
    "loss",
    source="DeepFD benchmark, Stack Overflow 38648195",
    DeepFD="no fault",
    DeepLocalize="layer 6, error in weights; layer 7, error in forward",
    UMLAUT="inputs exceed typical limits; validation accuracy; overfitting; missing softmax before "
    "the loss; missing activations; nonlinear activation of the last layer",
    AUTOTRAINER="no fault",
    DeepDiagnosis="found and placed",
)
def _several_labels_at_once_through_a_softmax(mended: bool) -> Patient:
    import keras
    from sklearn.datasets import make_multilabel_classification

    x, y = make_multilabel_classification(1000, n_classes=3, length=300, random_state=0)
    x, y = x.astype("float32"), y.astype("float32")
    model = stack(
        x,
        dense(20, "relu", "hidden_1"),
        keras.layers.Dropout(0.5, name="dropout_1"),
        dense(20, "relu", "hidden_2"),
        keras.layers.Dropout(0.5, name="dropout_2"),
        dense(3, "sigmoid" if mended else "softmax", "output"),
    )
    loss = "binary_crossentropy" if mended else "mean_squared_error"
    return compiled(model, x, y, loss, "sgd", y, "half", epochs=60, batch=20)


@faulty(
    "a straight line through a sigmoid",
    "output activation",
    "output",
    source="DeepFD benchmark, Stack Overflow 48221692",
    DeepFD="learning rate",
    DeepLocalize="the model does not learn",
    UMLAUT="inputs exceed typical limits; missing softmax before the loss; missing activations; "
    "nonlinear activation of the last layer",
    AUTOTRAINER="no fault",
    DeepDiagnosis="found and placed",
)
def _a_straight_line_through_a_sigmoid(mended: bool) -> Patient:
    x = np.random.default_rng(0).uniform(-3, 3, (150, 1)).astype("float32")
    y = 2 * x[:, 0] + 5
    model = stack(
        x, dense(5, "sigmoid", "hidden"), dense(1, None if mended else "sigmoid", "output")
    )
    return compiled(model, x, y, "mean_squared_error", "sgd", y, "value", epochs=1000, batch=150)


@faulty(
    "digits through a ReLU under cross-entropy",
    "output activation",
    "output",
    source="DeepFD benchmark, Stack Overflow 47352366",
    DeepFD="optimizer",
    DeepLocalize="layer 12",
    UMLAUT="missing softmax before the loss; nonlinear activation of the last layer",
    AUTOTRAINER="exploding gradient",
    DeepDiagnosis="found and placed",
)
def _digits_through_a_relu_under_cross_entropy(mended: bool) -> Patient:
    import keras

    x, y = digits(800, pictures=True)
    bias = {"bias_initializer": keras.initializers.Constant(0.1)}
    layers = keras.layers
    model = stack(
        x,
        layers.Conv2D(8, 5, padding="same", activation="relu", name="conv_1", **bias),
        layers.MaxPooling2D(padding="same", name="pool_1"),
        layers.Conv2D(16, 5, padding="same", activation="relu", name="conv_2", **bias),
        layers.MaxPooling2D(padding="same", name="pool_2"),
        layers.Flatten(name="flatten"),
        layers.Dense(64, activation="relu", name="hidden", **bias),
        layers.Dropout(0.5, name="dropout"),
        layers.Dense(10, activation="softmax" if mended else "relu", name="output"),
    )
    y_columns = one_hot(y)
    loss = "categorical_crossentropy"
    return compiled(model, x, y_columns, loss, "adam", y, "class", epochs=12, batch=50)


@faulty(
    "blobs through a ReLU under cross-entropy",
    "output activation",
    "output",
    source="AUTOTRAINER, demonstration of an improper activation on blobs",
)
def _blobs_through_a_relu_under_cross_entropy(mended: bool) -> Patient:
    import keras

    x, y = blobs()
    start = {"kernel_initializer": "he_uniform"}
    hidden = [dense(50, "relu", f"hidden_{at}", **start) for at in range(1, 5)]
    model = stack(x, *hidden, dense(3, "softmax" if mended else "relu", "output"))
    rate = keras.optimizers.Adam(1e-4)
    loss = "categorical_crossentropy"
    return compiled(model, x, one_hot(y), loss, rate, y, "class", epochs=600, batch=256)


@faulty(
    "circles: logits taken for probabilities",
    "output activation",
    "output",
    "loss",
    source="UMLAUT, program of the user study (pilot_boilerplate.py)",
)
def _logits_taken_for_probabilities(mended: bool) -> Patient:
    import keras

    x, y = circles()
    return compiled(
        stack(x, dense(32, "relu", "hidden"), dense(2, None, "output")),
        x,
        y.astype(int),
        keras.losses.SparseCategoricalCrossentropy(from_logits=mended),
        keras.optimizers.Adam(0.01),
        y,
        "class",
    )


@faulty(
    "a softmax handed to a loss that expects logits",
    "activation on an activation",
    "output",
    "loss",
    source="NeuraLint's synthetic programs, TF_lenet_wrong_loss_inputs",
)
def _a_softmax_handed_to_a_loss_that_expects_logits(mended: bool) -> Patient:
    import keras
    import tensorflow as tf

    x, y = digits(800, pictures=True)
    model = stack(
        x,
        keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="conv"),
        keras.layers.MaxPooling2D(name="pool"),
        keras.layers.Flatten(name="flatten"),
        dense(64, "relu", "hidden"),
        dense(10, None if mended else "softmax", "output"),
    )
    # TensorFlow's loss, as in the program: that of Keras looks for a softmax and takes it off.
    loss = tf.nn.softmax_cross_entropy_with_logits
    rate = keras.optimizers.Adam(0.001)
    return compiled(model, x, one_hot(y), loss, rate, y, "class", epochs=10)


@faulty(
    "digits from 0 to 255 through ten sigmoids",
    "output activation",
    "output",
    "data",
    "optimizer",
    source="DeepFD benchmark, Stack Overflow 55328966",
    DeepFD="optimizer",
    DeepLocalize="no report",
    UMLAUT="inputs exceed typical limits; overfitting; validation accuracy; missing softmax before "
    "the loss; missing activations; nonlinear activation of the last layer",
    AUTOTRAINER="exploding gradient",
    DeepDiagnosis="found and placed",
)
def _digits_from_0_to_255_through_ten_sigmoids(mended: bool) -> Patient:
    # Of the three repairs the softmax alone is enough.
    import keras

    x, y = digits(high=1 if mended else 255)
    model = stack(
        x,
        keras.layers.Dense(64, name="hidden_1"),
        keras.layers.Dense(50, activation="relu", name="hidden_2"),
        dense(10, "softmax" if mended else "sigmoid", "output"),
    )
    kind = keras.optimizers.Adam if mended else keras.optimizers.SGD
    loss = "categorical_crossentropy"
    return compiled(model, x, one_hot(y), loss, kind(1e-4), y, "class", epochs=60, batch=32)
