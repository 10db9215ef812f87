"""Questions about a softmax or a loss along the wrong axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.faults.models import adam, dense, measured, net, points, stack
from livegrad_lab.world.case import faulty
from livegrad_lab.world.questions.data import measurements, one_hot, pictures


@faulty(
    "policy whose actions are normalised over the states",
    "wrong axis",
    "softmax",
    "loss",
    source="github.com/DeepReinforcementLearning/DeepReinforcementLearningInAction issue 32",
)
def _policy_whose_actions_are_normalised_over_the_states(mended: bool) -> Patient:
    import keras

    def policy(y_true: Any, y_pred: Any) -> Any:
        return -keras.ops.sum(y_true * keras.ops.log(y_pred + 1e-7), axis=-1)

    x = points(400, 4)
    y = one_hot((x[:, 2] + 0.5 * x[:, 3] > 0).astype(int), 2)
    model = stack(
        x,
        dense(32, "leaky_relu", "hidden"),
        dense(2, None, "actions"),
        keras.layers.Softmax(axis=-1 if mended else 0, name="softmax"),
    )
    model.compile(adam(0.005), policy)
    # What is wanted is the chance of each action in a state.
    return Patient(model, x, y, y, "half")


@faulty(
    "segmentation with its classes first and the softmax over the last axis",
    "wrong axis",
    "softmax",
    "loss",
    source="github.com/ellisdg/3DUnetCNN issue 94",
)
def _segmentation_with_its_classes_first(mended: bool) -> Patient:
    import keras

    x, _ = pictures(300)
    kind = (x[..., 0] > 0.2).astype(int) + (x[..., 0] > 0.8)  # (300, 8, 8)
    y = one_hot(kind.reshape(-1, 64), 3).transpose(0, 2, 1)  # (300, 3, 64)
    model = stack(
        x,
        keras.layers.Conv2D(16, 3, padding="same", activation="relu", name="conv_1"),
        keras.layers.Conv2D(3, 1, name="conv_2"),
        keras.layers.Reshape((64, 3), name="pixels"),
        keras.layers.Permute((2, 1), name="classes_first"),
        keras.layers.Softmax(axis=1 if mended else -1, name="softmax"),
    )
    model.compile(adam(0.01), keras.losses.CategoricalCrossentropy(axis=1))
    return Patient(model, x, y, y, "half", batch=32)


@faulty(
    "attention that is shared out over the batch",
    "wrong axis",
    "weights",
    source="github.com/ssw-nlp-study-group/nlp_study pull request 2",
)
def _attention_that_is_shared_out_over_the_batch(mended: bool) -> Patient:
    import keras

    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 12, 4)).astype("float32")
    x[:, :, 0] = 0
    at = rng.integers(0, 12, 400)
    x[np.arange(400), at, 0] = 1  # marks the letter that counts
    y = x[np.arange(400), at, 1]
    inputs = keras.Input((12, 4))
    hidden = dense(16, "tanh", "hidden")(inputs)
    weights = keras.layers.Softmax(axis=1 if mended else 0, name="weights")(
        dense(1, None, "score")(hidden)
    )
    context = keras.layers.Dot(axes=1, name="context")([weights, inputs])  # (., 1, 4)
    flat = keras.layers.Flatten(name="flatten")(context)
    model = keras.Model(inputs, dense(1, None, "output")(flat))
    return measurements(model, x, y, adam(0.01), epochs=60, batch=32)


@faulty(
    "every prediction minus every label",
    "wrong axis",
    "loss",
    "data",
    "output",
    source="Dive into Deep Learning (Chinese edition), a question of the course on linear "
    "regression: hk.javashuo.com/article/p-mrjxlmph-gd.html",
)
def _every_prediction_minus_every_label(mended: bool) -> Patient:
    import keras

    def squared(y_true: Any, y_pred: Any) -> Any:
        y_true = keras.ops.reshape(y_true, keras.ops.shape(y_pred) if mended else (-1,))
        return (y_pred - y_true) ** 2 / 2

    x, y = measured()
    model = net(x, 1, end=None)
    model.compile(adam(0.01), squared)
    return Patient(model, x, y, y, "value")
