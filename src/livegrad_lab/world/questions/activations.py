"""Questions about hidden activations, dead units, and too few units."""

from __future__ import annotations

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.faults.models import adam, corners, dense, net, sgd, stack, two_classes
from livegrad_lab.world.case import faulty
from livegrad_lab.world.questions.data import digits, many_classes, measurements


@faulty(
    "perceptron of several layers and no activation",
    "hidden activation",
    "hidden_1",
    "hidden_2",
    source="github.com/YujiaBao/ls issue 1",
)
def _perceptron_of_several_layers_and_no_activation(mended: bool) -> Patient:
    x, y = corners()
    model = net(x, 2, "relu" if mended else None, "glorot_uniform")
    return two_classes(model, x, y, adam(0.01), epochs=60)


@faulty(
    "two softmaxes at the end of a network of voices",
    "hidden activation",
    "hidden_2",
    source="github.com/ubclaunchpad/minutes issue 133",
)
def _two_softmaxes_at_the_end_of_a_network_of_voices(mended: bool) -> Patient:
    x, y = digits()
    model = stack(
        x,
        dense(64, "relu", "hidden_1"),
        dense(32, "relu" if mended else "softmax", "hidden_2"),
        dense(10, "softmax", "output"),
    )
    return many_classes(model, x, y, adam(0.001), epochs=40, batch=50)


@faulty(
    "map of a crowd that ends in a ReLU",
    "dead units",
    "map",
    source="github.com/xiaochus/MSCNN pull request 3",
)
def _map_of_a_crowd_that_ends_in_a_relu(mended: bool) -> Patient:
    import keras

    # Few people in a picture: nearly all of the map is zero.
    rng = np.random.default_rng(0)
    heads = (rng.random((300, 10, 10, 1)) < 0.03).astype("float32")
    x = 0.6 * heads + 0.4 + 0.2 * rng.random((300, 10, 10, 1)).astype("float32")
    model = stack(
        x,
        keras.layers.Conv2D(16, 3, padding="same", activation="relu", name="conv"),
        keras.layers.Conv2D(1, 1, activation=None if mended else "relu", name="map"),
    )
    optimizer = keras.optimizers.SGD(0.2, momentum=0.9)
    return measurements(model, x, heads, optimizer, epochs=30, batch=20)


@faulty(
    "exclusive or with two units",
    "capacity or time",
    "hidden",
    source="Cross Validated 320672",
)
def _exclusive_or_with_two_units(mended: bool) -> Patient:
    import keras

    x = np.random.default_rng(0).integers(0, 2, (400, 2)).astype("float32")
    y = (x[:, 0] != x[:, 1]).astype("float32")
    units = dense(16 if mended else 2, "relu", "hidden", kernel_initializer="glorot_uniform")
    model = stack(x, units, dense(1, "sigmoid", "output"))
    return two_classes(model, x, y, keras.optimizers.RMSprop(0.01), epochs=100, batch=20)


@faulty(
    "exclusive or in five passes",
    "capacity or time",
    "model",
    "optimizer",
    source="Cross Validated 433365",
)
def _exclusive_or_in_five_passes(mended: bool) -> Patient:
    x = np.random.default_rng(0).integers(0, 2, (400, 2)).astype("float32")
    y = (x[:, 0] != x[:, 1]).astype("float32")
    model = net(x, 1, "tanh", "glorot_uniform", width=8)
    return two_classes(model, x, y, sgd(0.1), epochs=200 if mended else 5, batch=16)
