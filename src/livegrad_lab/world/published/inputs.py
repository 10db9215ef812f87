"""Inputs and targets on scales of their own."""

from __future__ import annotations

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.faults.models import dense, stack
from livegrad_lab.world.case import faulty
from livegrad_lab.world.published.data import compiled, one_hot, scaled, wine


@faulty(
    "three letters by their codes",
    "scale of the inputs",
    "data",
    "optimizer",
    source="DeepFD benchmark, Stack Overflow 39525358",
    DeepFD="learning rate; activation",
    DeepLocalize="layer 0",
    UMLAUT="inputs exceed typical limits; validation accuracy; overfitting; missing softmax before "
    "the loss; nonlinear activation of the last layer",
    AUTOTRAINER="no fault",
    DeepDiagnosis="no fault",
)
def _three_letters_by_their_codes(mended: bool) -> Patient:
    x = np.random.default_rng(0).integers(65, 71, (300, 3)).astype("float32")
    y = (x.sum(axis=1) > 202).astype("float32")
    x = scaled(x) if mended else x
    start = {"kernel_initializer": "random_uniform"}
    model = stack(
        x,
        dense(12, "relu", "hidden_1", **start),
        dense(3, "relu", "hidden_2", **start),
        dense(1, "sigmoid", "output", **start),
    )
    return compiled(model, x, y, "binary_crossentropy", "adam", y, "half", epochs=50, batch=10)


@faulty(
    "wines as they were measured",
    "scale of the inputs",
    "data",
    "optimizer",
    source="DeepFD benchmark, Stack Overflow 47724077",
    DeepFD="loss",
    DeepLocalize="layer 2",
    UMLAUT="overfitting; missing softmax before the loss; nonlinear activation of the last layer",
    AUTOTRAINER="no fault",
    DeepDiagnosis="found and placed",
)
def _wines_as_they_were_measured(mended: bool) -> Patient:
    import keras

    x, y = wine()
    x = scaled(x) if mended else x
    model = stack(
        x,
        keras.layers.Dense(21, activation="relu", name="hidden"),
        dense(3, "softmax", "output"),
    )
    rate = keras.optimizers.Adam(0.01 if mended else 0.001)
    loss = "categorical_crossentropy"
    return compiled(model, x, one_hot(y), loss, rate, y, "class", epochs=50, batch=89)


@faulty(
    "the fourth power of numbers up to 100",
    "scale of the targets",
    "data",
    source="DeepFD benchmark, Stack Overflow 52800582",
    DeepFD="optimizer; learning rate; activation; loss",
    DeepLocalize="layer 4",
    UMLAUT="inputs exceed typical limits; overfitting; missing softmax before the loss; missing "
    "activations",
    AUTOTRAINER="no fault",
    DeepDiagnosis="found and placed",
)
def _the_fourth_power_of_numbers_up_to_100(mended: bool) -> Patient:
    x = np.arange(-100, 100, 0.5, dtype="float32")[:, None]  # (400, 1)
    y = x**4
    if mended:
        x, y = scaled(x), scaled(y)
    model = stack(
        x,
        dense(50, "relu" if mended else "sigmoid", "hidden_1"),
        dense(50, "elu", "hidden_2"),
        dense(1, None, "output"),
    )
    return compiled(model, x, y, "mean_squared_error", "adam", y, "value", epochs=1000, batch=400)


@faulty(
    "a narrow tower on unscaled inputs",
    "scale of the inputs",
    "data",
    "hidden_1",
    "hidden_2",
    "model",
    source="DeepFD benchmark, Stack Overflow 46995209",
    DeepFD="optimizer",
    DeepLocalize="crash",
    UMLAUT="inputs exceed typical limits; overfitting; missing softmax before the loss; nonlinear "
    "activation of the last layer",
    AUTOTRAINER="no fault",
)
def _a_narrow_tower_on_unscaled_inputs(mended: bool) -> Patient:
    import keras

    x = np.random.default_rng(0).uniform(0, 1000, (400, 5)).astype("float32")
    y = ((x[:, 0] + x[:, 1] - x[:, 2]) / 2000 + 0.5).astype("float32")
    layers = keras.layers
    if mended:
        x = (x - x.max()) / x.max()
    kind, widths = ("relu", (10, 25)) if mended else ("tanh", (10, 90))
    hidden = [layers.Dense(width, kind, name=f"hidden_{at}") for at, width in enumerate(widths, 1)]
    if not mended:
        hidden += [layers.Dense(10, "relu", name=f"hidden_{at}") for at in range(3, 12)]
    model = stack(x, *hidden, dense(1, "sigmoid", "output"))
    return compiled(model, x, y, "mean_squared_error", "adam", y, "value", epochs=60, batch=32)


@faulty(
    "packets as they were counted",
    "scale of the inputs",
    "data",
    "output",
    source="DeepFD benchmark, Stack Overflow 44066044",
    DeepFD="learning rate",
    DeepLocalize="layer 5",
    UMLAUT="inputs exceed typical limits; validation accuracy; missing softmax before the loss; "
    "nonlinear activation of the last layer",
    AUTOTRAINER="no fault",
    DeepDiagnosis="found and placed",
)
def _packets_as_they_were_counted(mended: bool) -> Patient:
    # Port numbers and lengths next to flags, as in the table of network packets. The ReLU that
    # ends the network is replaced too, but the scaling alone mends it.
    rng = np.random.default_rng(0)
    x = rng.random((400, 11)).astype("float32")
    y = (x[:, 0] + x[:, 5] > 1).astype("float32")
    x *= np.array([65535, 65535, 1500, 64, 1, 1, 1, 1, 255, 60, 10], "float32")
    start = {"kernel_initializer": "random_normal"}
    model = stack(
        x,
        dense(12, "relu", "hidden_1", **start),
        dense(12, "relu", "hidden_2", **start),
        dense(1, "sigmoid" if mended else "relu", "output", **start),
    )
    x = scaled(x) if mended else x
    return compiled(model, x, y, "binary_crossentropy", "adam", y, "half", epochs=60, batch=5)
