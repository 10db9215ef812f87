"""Faults of p - y: the output, its loss, the labels and the metric."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient, fault
from livegrad_lab.faults.models import (
    adam,
    binary,
    classes,
    dense,
    measured,
    net,
    points,
    sgd,
    stack,
    two_classes,
)


@fault(
    "linear output with cross-entropy of probabilities",
    "output-loss-mismatch",
    "output",
    "BinaryCrossentropy(from_logits=True)",
)
def _linear_output_with_cross_entropy_of_probabilities(mended: bool) -> Patient:
    import keras

    x, y = binary()
    model = net(x, 2, end=None)
    loss = keras.losses.BinaryCrossentropy(from_logits=mended)
    model.compile(adam(), loss)
    return Patient(model, x, y, y, "zero" if mended else "half")


@fault(
    "softmax over one unit",
    "output-loss-mismatch",
    "output",
    'keras.layers.Dense(1, activation="sigmoid")',
)
def _softmax_over_one_unit(mended: bool) -> Patient:
    x, y = binary()
    return two_classes(net(x, 2, end="sigmoid" if mended else "softmax"), x, y)


@fault(
    "sigmoid units with a loss over classes",
    "output-loss-mismatch",
    "output",
    'keras.layers.Dense(3, activation="softmax")',
)
def _sigmoid_units_with_a_loss_over_classes(mended: bool) -> Patient:
    x, y = classes()
    model = net(x, 2, out=3, end="softmax" if mended else "sigmoid")
    model.compile(adam(), "sparse_categorical_crossentropy")
    return Patient(model, x, y, y, "class")


@fault(
    "softmax taken for logits",
    "output-loss-mismatch",
    "output",
    "keras.layers.Dense(3)",
)
def _softmax_taken_for_logits(mended: bool) -> Patient:
    import keras

    x, y = classes()
    model = net(x, 2, out=3, end=None if mended else "softmax")
    model.compile(adam(), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return Patient(model, x, y, y, "class")


@fault(
    "squared error of a sigmoid on 0/1 labels",
    "output-loss-mismatch",
    "output",
    'loss="binary_crossentropy"',
)
def _squared_error_of_a_sigmoid_on_0_1_labels(mended: bool) -> Patient:
    import keras

    x, y = binary()
    model = net(x, 1, end="sigmoid")
    # Surely wrong at the start, as after a bad step: the factor p (1 - p) keeps it there.
    model.layers[-1].bias.assign(keras.ops.full((1,), 9.0))
    model.compile(sgd(0.1), "binary_crossentropy" if mended else "mean_squared_error")
    return Patient(model, x, y, y, "half")


@fault(
    "measurements through a sigmoid",
    "output-loss-mismatch",
    "output",
    "keras.layers.Dense(1)",
)
def _measurements_through_a_sigmoid(mended: bool) -> Patient:
    x, y = measured()
    model = net(x, 2, end=None if mended else "sigmoid")
    model.compile(adam(0.01), "mean_squared_error")
    return Patient(model, x, y, y, "value")


@fault(
    "targets below the range of ReLU",
    "output-loss-mismatch",
    "output",
    "keras.layers.Dense(1)",
)
def _targets_below_the_range_of_relu(mended: bool) -> Patient:
    x, y = measured()
    y = y - 3
    model = net(x, 2, end=None if mended else "relu")
    model.compile(adam(0.01), "mean_squared_error")
    return Patient(model, x, y, y, "value")


@fault(
    "counts from a linear output",
    "output-loss-mismatch",
    "output",
    'keras.layers.Dense(1, activation="exponential")',
)
def _counts_from_a_linear_output(mended: bool) -> Patient:
    x = points()
    y = np.random.default_rng(1).poisson(np.exp(x[:, 0])).astype("float32")
    model = net(x, 1, end="exponential" if mended else None)
    model.compile(adam(0.01), "poisson")
    return Patient(model, x, y, np.exp(x[:, 0]), "value")


@fault(
    "binary cross-entropy of a softmax",
    "output-loss-mismatch",
    "output",
    'loss="categorical_crossentropy"',
)
def _binary_cross_entropy_of_a_softmax(mended: bool) -> Patient:
    x, y = classes()
    model = net(x, 2, out=3, end="softmax")
    model.compile(adam(), "categorical_crossentropy" if mended else "binary_crossentropy")
    return Patient(model, x, np.eye(3, dtype="float32")[y], y, "class")


@fault("classes numbered from 1", "label-mismatch", "data", "y = y - 1")
def _classes_numbered_from_1(mended: bool) -> Patient:
    x, y = classes()
    model = net(x, 2, out=3, end="softmax")
    model.compile(adam(), "sparse_categorical_crossentropy")
    return Patient(model, x, y if mended else y + 1, y, "class")


@fault(
    "one-hot labels for the sparse loss",
    "label-mismatch",
    "data",
    'loss="categorical_crossentropy"',
)
def _one_hot_labels_for_the_sparse_loss(mended: bool) -> Patient:
    x, y = classes()
    model = net(x, 2, out=3, end="softmax")
    model.compile(adam(), f"{'' if mended else 'sparse_'}categorical_crossentropy")
    return Patient(model, x, np.eye(3, dtype="float32")[y], y, "class")


@fault(
    "class numbers for the one-hot loss",
    "label-mismatch",
    "data",
    'loss="sparse_categorical_crossentropy"',
)
def _class_numbers_for_the_one_hot_loss(mended: bool) -> Patient:
    x, y = classes()
    model = net(x, 2, out=3, end="softmax")
    model.compile(adam(), f"{'sparse_' if mended else ''}categorical_crossentropy")
    return Patient(model, x, y, y, "class")


@fault("labels -1 and 1 with cross-entropy", "label-mismatch", "data", "y = (y + 1) / 2")
def _labels_1_and_1_with_cross_entropy(mended: bool) -> Patient:
    x, y = binary()
    patient = two_classes(net(x, 2), x, y)
    patient.y = y if mended else 2 * y - 1
    return patient


@fault("labels 1 and 2 with hinge", "label-mismatch", "data", "y = np.where(y == 2, 1, -1)")
def _labels_1_and_2_with_hinge(mended: bool) -> Patient:
    x, y = binary()
    model = net(x, 2, end=None)
    model.compile(adam(), "hinge")
    return Patient(model, x, 2 * y - 1 if mended else y + 1, y, "zero")


@fault(
    "class numbers against three columns",
    "label-mismatch",
    "data",
    'keras.layers.Dense(3, activation="softmax"); loss="sparse_categorical_crossentropy"',
)
def _class_numbers_against_three_columns(mended: bool) -> Patient:
    x, y = classes()
    model = net(x, 2, out=3, end="softmax" if mended else None)
    model.compile(adam(), "sparse_categorical_crossentropy" if mended else "mean_squared_error")
    return Patient(model, x, y, y, "class")


@fault("accuracy of a regression", "metric-mismatch", "output", 'metrics=["mean_absolute_error"]')
def _accuracy_of_a_regression(mended: bool) -> Patient:
    x, y = measured()
    model = net(x, 1, end=None)
    model.compile(
        adam(0.01),
        "mean_squared_error",
        metrics=["mean_absolute_error" if mended else "accuracy"],
    )
    return Patient(model, x, y, y, "value")


@fault(
    "accuracy at one half on logits",
    "metric-mismatch",
    "output",
    "BinaryAccuracy(threshold=0.0)",
)
def _accuracy_at_one_half_on_logits(mended: bool) -> Patient:
    import keras

    x, y = binary()
    model = net(x, 1, end=None)
    metric = keras.metrics.BinaryAccuracy(threshold=0.0) if mended else "accuracy"
    model.compile(adam(0.01), keras.losses.BinaryCrossentropy(from_logits=True), metrics=[metric])
    return Patient(model, x, y, y, "zero")


@fault("a loss that rewards what is wrong", "loss-sign", "loss", "loss = -loss")
def _a_loss_that_rewards_what_is_wrong(mended: bool) -> Patient:
    import keras

    def likelihood(y: Any, p: Any) -> Any:
        loss = keras.ops.square(y - p)
        return loss if mended else -loss

    x, y = measured()
    model = net(x, 2, end=None)
    model.compile(adam(), likelihood)
    return Patient(model, x, y, y, "value")


@fault("ReLU before the sigmoid", "stacked-activations", "bend", "without bend")
def _relu_before_the_sigmoid(mended: bool) -> Patient:
    import keras

    x, y = binary()
    last = [] if mended else [keras.layers.ReLU(name="bend")]
    last.append(keras.layers.Activation("sigmoid", name="output"))
    model = stack(x, dense(32, "relu", "hidden_1"), dense(1, None, "score"), *last)
    return two_classes(model, x, y)


@fault("softmax over the examples", "wrong-axis", "output", "Softmax(axis=-1)")
def _softmax_over_the_examples(mended: bool) -> Patient:
    import keras

    x, y = classes()
    axis = -1 if mended else 0
    last = keras.layers.Lambda(
        lambda z: keras.ops.softmax(z, axis=axis), output_shape=(3,), name="output"
    )
    model = stack(x, dense(32, "relu", "hidden_1"), dense(3, None, "scores"), last)
    model.compile(adam(), "sparse_categorical_crossentropy")
    return Patient(model, x, y, y, "class")
