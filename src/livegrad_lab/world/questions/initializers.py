"""Questions about the weights a network starts from."""

from __future__ import annotations

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.faults.models import adam, dense, points, sgd, stack
from livegrad_lab.world.case import faulty
from livegrad_lab.world.questions.data import digits, many_classes, measurements


@faulty(
    "one hidden layer of zeros",
    "initial weights",
    "hidden",
    "output",
    source="Stack Overflow, a neural network with one hidden layer that cannot be trained: "
    "pullrequest.ru/11818227",
)
def _one_hidden_layer_of_zeros(mended: bool) -> Patient:
    import keras

    x, y = digits()
    start = keras.initializers.TruncatedNormal(stddev=0.1) if mended else "zeros"
    model = stack(
        x,
        dense(10, "sigmoid", "hidden", kernel_initializer=start),
        dense(10, "softmax", "output", kernel_initializer=start),
    )
    return many_classes(model, x, y, sgd(0.5), epochs=40, batch=32)


@faulty(
    "gate of two layers that both start at zero",
    "initial weights",
    "gate_1",
    "gate_2",
    source="github.com/yz93/LAVT-RIS issue 25",
)
def _gate_of_two_layers_that_both_start_at_zero(mended: bool) -> Patient:
    import keras

    # What is said decides; it is added to what is seen as far as the gate lets it.
    x = points(400, 16)
    y = (x[:, 8] + x[:, 9] > 0).astype("float32")
    inputs = keras.Input((16,))
    seen = dense(16, "relu", "seen")(keras.layers.Lambda(lambda x: x[:, :8], name="left")(inputs))
    said = dense(16, "tanh", "said")(keras.layers.Lambda(lambda x: x[:, 8:], name="right")(inputs))
    first = "glorot_uniform" if mended else "zeros"
    more = {"use_bias": False}
    gate = dense(16, "relu", "gate_1", kernel_initializer=first, **more)(said)
    gate = dense(16, "tanh", "gate_2", kernel_initializer="zeros", **more)(gate)
    both = keras.layers.Add(name="both")([seen, keras.layers.Multiply(name="let")([gate, said])])
    model = keras.Model(inputs, dense(1, "sigmoid", "output")(both))
    model.compile(adam(0.01), "binary_crossentropy")
    return Patient(model, x, y, y, "half", epochs=40, batch=50)


@faulty(
    "layer in the middle, and weights of a thousandth",
    "initial weights",
    "first",
    "middle",
    "output",
    source="Stack Overflow, an intermediate layer makes the optimizer stop working: "
    "techfeed.net/pt/473708",
)
def _layer_in_the_middle_and_weights_of_a_thousandth(mended: bool) -> Patient:
    import keras

    x = np.random.default_rng(0).uniform(-1, 1, (400, 1)).astype("float32")
    y = x[:, 0]
    start = "he_normal" if mended else keras.initializers.RandomNormal(stddev=1e-3)
    model = stack(
        x,
        dense(16, "relu", "first", kernel_initializer=start),
        dense(16, "relu", "middle", kernel_initializer=start),
        dense(1, None, "output", kernel_initializer=start),
    )
    return measurements(model, x, y, sgd(0.05), epochs=60, batch=20)
