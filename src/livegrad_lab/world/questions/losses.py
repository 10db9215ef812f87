"""Questions about losses of one's own: their sign, and where they are no number."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.faults.models import adam, dense, net, points, stack
from livegrad_lab.world.case import faulty
from livegrad_lab.world.questions.data import digits, iris, many_classes, one_hot, pictures, scaled


@faulty(
    "Dice coefficient as the loss",
    "sign of the loss",
    "loss",
    source="github.com/IAmSuyogJadhav/3d-mri-brain-tumor-segmentation-using-autoencoder-"
    "regularization issue 7",
)
def _dice_coefficient_as_the_loss(mended: bool) -> Patient:
    import keras

    def dice(y_true: Any, y_pred: Any) -> Any:
        both = keras.ops.sum(y_true * y_pred, axis=(1, 2, 3))
        each = keras.ops.sum(y_true**2, axis=(1, 2, 3)) + keras.ops.sum(y_pred**2, axis=(1, 2, 3))
        share = 2 * both / (each + 1e-6)
        return 1 - share if mended else share

    x, _ = pictures(300)
    y = (x > 0.4).astype("float32")
    model = stack(
        x,
        keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="conv"),
        keras.layers.Conv2D(1, 1, activation="sigmoid", name="mask"),
    )
    model.compile(adam(0.01), dice)
    return Patient(model, x, y, y, "half", batch=32)


@faulty(
    "policy loss that takes its arguments the other way round",
    "not a number",
    "loss",
    source="github.com/keras-team/keras issue 5733",
)
def _policy_loss_that_takes_its_arguments_the_other_way_round(mended: bool) -> Patient:
    import keras

    def gain(chances: Any, advantage: Any) -> Any:
        return -keras.ops.sum(keras.ops.log(chances) * advantage, axis=-1)

    def policy(y_true: Any, y_pred: Any) -> Any:
        return gain(y_pred, y_true) if mended else gain(y_true, y_pred)

    x = points(400, 4)
    action = (x[:, 0] - x[:, 1] > 0).astype(int)
    y = one_hot(action, 2) * np.random.default_rng(1).uniform(0.5, 1.5, (400, 1)).astype("float32")
    model = net(x, 1, out=2, end="softmax")
    model.compile(adam(0.003), policy)
    return Patient(model, x, y, action, "class")


@faulty(
    "root of the focal loss where a network is sure",
    "not a number",
    "loss",
    source="github.com/kornia/kornia issue 918",
)
def _root_of_the_focal_loss_where_a_network_is_sure(mended: bool) -> Patient:
    import keras

    small = 1e-6 if mended else 0.0

    def focal(y_true: Any, y_pred: Any) -> Any:
        right = keras.ops.where(y_true > 0.5, y_pred, 1 - y_pred)
        return -keras.ops.mean((1 - right + small) ** 0.5 * keras.ops.log(right + 1e-6), axis=-1)

    # Two clouds far apart: of an easy example a probability soon is 1 to the last digit.
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400).astype("float32")
    x = (rng.standard_normal((400, 8)) + 2 * (2 * y[:, None] - 1)).astype("float32")
    model = net(x, 3)
    model.compile(adam(0.01), focal)
    return Patient(model, x, y, y, "half")


@faulty(
    "square root of the distance between twins",
    "not a number",
    "distance",
    "loss",
    source="github.com/keras-team/keras issue 9097",
)
def _square_root_of_the_distance_between_twins(mended: bool) -> Patient:
    import keras

    def distance(pair: Any) -> Any:
        total = keras.ops.sum((pair[0] - pair[1]) ** 2, axis=-1, keepdims=True)
        return keras.ops.sqrt(keras.ops.maximum(total, 1e-7) if mended else total)

    x, kind = iris()
    x = scaled(x)
    rng = np.random.default_rng(0)
    left, right = rng.integers(0, 150, (2, 400))
    right[:20] = left[:20]  # a sample is a pair with itself, as chance has it
    y = (kind[left] != kind[right]).astype("float32")
    pair = [keras.Input((4,), name="left"), keras.Input((4,), name="right")]
    hidden, embed = dense(16, "relu", "hidden"), dense(4, None, "embed")
    apart = keras.layers.Lambda(distance, output_shape=(1,), name="distance")(
        [embed(hidden(part)) for part in pair]
    )
    model = keras.Model(pair, dense(1, "sigmoid", "output")(apart))
    model.compile(adam(0.01), "binary_crossentropy")
    return Patient(model, [x[left], x[right]], y, y, "half")


@faulty(
    "pixels divided by their standard deviation, which is zero for some",
    "not a number",
    "data",
    source="github.com/keras-team/keras issue 2001",
)
def _pixels_divided_by_their_standard_deviation(mended: bool) -> Patient:
    x, y = digits()
    spread = x.std(axis=0)
    with np.errstate(invalid="ignore"):
        x = (x - x.mean(axis=0)) / (spread + 1e-3 if mended else spread)
    return many_classes(net(x, 2, out=10, end="softmax"), x, y)
