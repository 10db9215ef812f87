"""Questions about the output, the loss that reads it, the labels and the metric."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.faults.models import adam, dense, net, points, sgd, stack
from livegrad_lab.world.case import faulty
from livegrad_lab.world.questions.data import (
    diabetes,
    digits,
    iris,
    many_classes,
    pictures,
)


@faulty(
    "softmax twice in a logistic regression",
    "output activation",
    "softmax",
    "output",
    "loss",
    source="github.com/Lightning-Universe/lightning-bolts issue 654",
)
def _softmax_twice_in_a_logistic_regression(mended: bool) -> Patient:
    import keras

    def shares(scores: Any) -> Any:
        return keras.ops.exp(keras.ops.log_softmax(scores, axis=-1))

    x, y = digits()
    model = stack(x, dense(10, None, "output"))
    if not mended:
        # Of its own softmax Keras would take the logits back; the source's library does not.
        model.add(keras.layers.Lambda(shares, output_shape=(10,), name="softmax"))
    model.compile(sgd(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return Patient(model, x, y, y, "class", epochs=20, batch=32)


@faulty(
    "probabilities expected of the logits of a pretrained head",
    "output activation",
    "output",
    "loss",
    source="github.com/keras-team/keras-hub pull request 1008",
)
def _probabilities_expected_of_the_logits_of_a_pretrained_head(mended: bool) -> Patient:
    import keras

    x, y = digits()
    model = net(x, 2, "gelu", "glorot_uniform", 10, None)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=mended)
    model.compile(adam(0.001), loss)
    return Patient(model, x, y, y, "class", batch=32)


@faulty(
    "autoencoder of centimetres with a sigmoid at its end",
    "output activation",
    "decoded",
    "data",
    source="Stack Overflow 44601367",
)
def _autoencoder_of_centimetres_with_a_sigmoid_at_its_end(mended: bool) -> Patient:
    x, _ = iris()
    decoded = dense(4, None if mended else "sigmoid", "decoded")
    model = stack(x, dense(4, "tanh", "encoded"), decoded)
    model.compile(adam(0.01), "mean_squared_error")
    return Patient(model, x, x, x, "value", epochs=150, batch=10)


@faulty(
    "divergence from a map that is no distribution",
    "output activation",
    "map",
    "loss",
    source="github.com/keras-team/keras issue 1917",
)
def _divergence_from_a_map_that_is_no_distribution(mended: bool) -> Patient:
    import keras

    x, _ = pictures()
    # Where one looks: the sixteen squares of four pixels by their brightness.
    squares = x.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16) ** 3
    y = squares / squares.sum(axis=1, keepdims=True)
    model = stack(
        x,
        keras.layers.Conv2D(8, 3, activation="relu", name="conv"),
        keras.layers.Flatten(name="flatten"),
        dense(16, "softmax" if mended else "relu", "map"),
    )
    model.compile(adam(0.003), "kl_divergence")
    return Patient(model, x, y, y, "value", epochs=40, batch=32)


@faulty(
    "softmax over the genres of a film",
    "output activation",
    "output",
    "loss",
    source="Data Science Stack Exchange 16182",
)
def _softmax_over_the_genres_of_a_film(mended: bool) -> Patient:
    x = points(400, 20)
    y = (x[:, :6] + 0.5 * x[:, 6:12] > 0).astype("float32")  # about three of six each
    model = net(x, 1, "relu", "glorot_uniform", 6, "sigmoid" if mended else "softmax")
    model.compile(adam(0.01), f"{'binary' if mended else 'categorical'}_crossentropy")
    return Patient(model, x, y, y, "half")


@faulty(
    "ReLU before the softmax of a small VGG",
    "activation on an activation",
    "fc",
    "softmax",
    source="github.com/huyng/tensorflow-vgg issue 13",
)
def _relu_before_the_softmax_of_a_small_vgg(mended: bool) -> Patient:
    import keras

    x, y = pictures(500)
    model = stack(
        x,
        keras.layers.Conv2D(8, 3, activation="relu", name="conv"),
        keras.layers.MaxPooling2D(name="pool"),
        keras.layers.Flatten(name="flatten"),
        dense(32, "relu", "hidden"),
        keras.layers.Dense(10, activation=None if mended else "relu", name="fc"),
        keras.layers.Activation("softmax", name="softmax"),
    )
    return many_classes(model, x, y, sgd(0.1))


@faulty(
    "regression with a softmax and cross-entropy",
    "loss of another task",
    "output",
    "loss",
    source="github.com/Lasagne/Lasagne issue 333",
)
def _regression_with_a_softmax_and_cross_entropy(mended: bool) -> Patient:
    x, _ = diabetes()
    # The measured progress has no more than half of its spread explained; this has nearly all.
    y = (x[:, 2] + 0.5 * x[:, 8] - 0.5 * x[:, 3] ** 2).reshape(-1, 1)
    model = net(x, 1, "relu", "glorot_uniform", 1, None if mended else "softmax")
    model.compile(adam(0.01), "mean_squared_error" if mended else "categorical_crossentropy")
    return Patient(model, x, y, y, "value", epochs=40)


@faulty(
    "seven categories numbered from one",
    "labels",
    "data",
    "loss",
    "output",
    source="github.com/keras-team/keras issue 11786",
)
def _seven_categories_numbered_from_one(mended: bool) -> Patient:
    import keras

    x, y = pictures(600)
    kept = (y >= 1) & (y <= 7)
    x, y = x[kept], y[kept]
    model = stack(
        x,
        keras.layers.Conv2D(8, 3, activation="relu", name="conv_1"),
        keras.layers.Conv2D(8, 3, activation="relu", padding="same", name="conv_2"),
        keras.layers.MaxPooling2D(name="pool"),
        keras.layers.Flatten(name="flatten"),
        dense(50, "relu", "hidden"),
        dense(7, "softmax", "output"),
    )
    patient = many_classes(model, x, y - 1)
    patient.y = y - 1 if mended else y
    return patient


@faulty(
    "accuracy of twenty-six labels at once",
    "metric",
    "output",
    "model",
    "data",
    source="Data Science Stack Exchange 77834",
)
def _accuracy_of_twenty_six_labels_at_once(mended: bool) -> Patient:
    x = points(400, 21)
    weights = np.random.default_rng(1).standard_normal((21, 26))
    y = (x @ weights > 0).astype("float32")
    model = net(x, 2, "relu", "glorot_uniform", 26)
    # The name alone compares the largest of all columns, of which many are right here: the
    # model learns as well with it and shows a tenth.
    model.compile(
        adam(0.01),
        "binary_crossentropy",
        metrics=["binary_accuracy" if mended else "accuracy"],
    )
    return Patient(model, x, y, y, "half")
