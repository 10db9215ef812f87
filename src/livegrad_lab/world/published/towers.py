"""Towers of many narrow layers, whose gradient vanishes, explodes or dies on the way."""

from __future__ import annotations

from typing import Any

from livegrad_lab.faults.case import Patient
from livegrad_lab.faults.models import adam, dense, stack
from livegrad_lab.world.case import faulty
from livegrad_lab.world.published.data import blobs, circles, compiled, digits, one_hot


def _tower(
    x: Any, depth: int, activation: str, start: str, out: int, normed: bool = False, width: int = 5
) -> Any:
    """Return ``depth`` layers of five units, and sigmoids, as the generated towers have them."""
    import keras

    layers: list[Any] = []
    for at in range(1, depth + 1):
        layers.append(dense(width, None if normed else activation, f"hidden_{at}", **_at(start)))
        if normed:
            layers.append(keras.layers.BatchNormalization(name=f"norm_{at}"))
            layers.append(keras.layers.Activation(activation, name=f"activation_{at}"))
    return stack(x, *layers, dense(out, "sigmoid", "output", **_at(start)))


def _at(start: str) -> dict[str, str]:
    """Return the start as a keyword."""
    return {"kernel_initializer": start}


@faulty(
    "blobs through eleven sigmoid layers",
    "vanishing gradient",
    *(f"hidden_{at}" for at in range(1, 12)),
    "model",
    source="AUTOTRAINER, Blob model_2569b90f",
    DeepLocalize="the model does not learn",
    DeepDiagnosis="layer 4, vanishing gradient",
)
def _blobs_through_eleven_sigmoid_layers(mended: bool) -> Patient:
    x, y = blobs()
    x = x / 10
    model = _tower(x, 11, "selu" if mended else "sigmoid", "he_uniform", 3)
    loss = "categorical_crossentropy"
    return compiled(model, x, one_hot(y), loss, adam(0.001), y, "class", epochs=60, batch=32)


@faulty(
    "circles through eight sigmoid layers",
    "vanishing gradient",
    *(f"hidden_{at}" for at in range(1, 9)),
    "model",
    source="AUTOTRAINER, demonstration of a vanishing gradient on circles",
    AUTOTRAINER="vanishing gradient",
)
def _circles_through_eight_sigmoid_layers(mended: bool) -> Patient:
    x, y = circles()
    model = _tower(x, 8, "selu" if mended else "sigmoid", "he_uniform", 1)
    loss = "binary_crossentropy"
    return compiled(model, x, y, loss, adam(0.001), y, "half", epochs=300, batch=128)


@faulty(
    "blobs through eight exponential layers",
    "exploding gradient",
    *(f"hidden_{at}" for at in range(1, 9)),
    "model",
    source="AUTOTRAINER, Blob model_0448d813",
    DeepLocalize="layer 0, error in forward",
    DeepDiagnosis="layer 0, numerical problem in forward",
)
def _blobs_through_eight_exponential_layers(mended: bool) -> Patient:
    x, y = blobs()
    model = _tower(x, 8, "selu" if mended else "exponential", "he_uniform", 3)
    loss = "categorical_crossentropy"
    return compiled(model, x, one_hot(y), loss, adam(0.001), y, "class", epochs=60, batch=32)


@faulty(
    "blobs through fourteen layers that start near zero",
    "vanishing gradient",
    *(f"hidden_{at}" for at in range(1, 15)),
    "model",
    source="AUTOTRAINER, Blob model_384108d9",
    DeepLocalize="the model does not learn",
    DeepDiagnosis="layer 10, vanishing gradient",
)
def _blobs_through_fourteen_layers_that_start_near_zero(mended: bool) -> Patient:
    x, y = blobs()
    start = "he_uniform" if mended else "random_uniform"
    model = _tower(x, 14, "selu" if mended else "relu", start, 3)
    loss = "categorical_crossentropy"
    return compiled(model, x, one_hot(y), loss, adam(0.001), y, "class", epochs=60, batch=32)


@faulty(
    "circles through fifteen ReLU layers of five units",
    "dead units",
    *(f"hidden_{at}" for at in range(1, 16)),
    "model",
    source="AUTOTRAINER, Circle model_46edb7df",
    DeepLocalize="no report",
    DeepDiagnosis="layer 29, dead node",
)
def _circles_through_fifteen_relu_layers_of_five_units(mended: bool) -> Patient:
    # Whether enough of the units die is a matter of chance, as the authors found of theirs.
    x, y = circles()
    model = _tower(x, 15, "relu", "he_uniform", 1, normed=mended)
    loss = "binary_crossentropy"
    return compiled(model, x, y, loss, adam(0.001), y, "half", epochs=100, batch=32)


@faulty(
    "digits through thirty-four ReLU layers",
    "dead units",
    *(f"hidden_{at}" for at in range(1, 35)),
    "model",
    source="AUTOTRAINER, motivating example of a dying ReLU, 34 layers",
    AUTOTRAINER="dying ReLU",
)
def _digits_through_thirty_four_relu_layers(mended: bool) -> Patient:
    # The tool's repairs are another start, a normalisation, SELU or a leaky ReLU.
    x, y = digits(600)
    kind, start = ("selu", "lecun_normal") if mended else ("relu", "glorot_uniform")
    layers = [dense(64, kind, f"hidden_{at}", **_at(start)) for at in range(1, 35)]
    model = stack(x, *layers, dense(10, "softmax", "output"))
    loss = "categorical_crossentropy"
    return compiled(model, x, one_hot(y), loss, "adam", y, "class", epochs=10, batch=32)
