"""Faults of the two products: gradients and signals that vanish or explode."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient, fault
from livegrad_lab.faults.models import (
    adam,
    binary,
    corners,
    dense,
    images,
    net,
    residual,
    sgd,
    stack,
    two_classes,
    words,
)


@fault(
    "ten sigmoid layers",
    "vanishing-gradient",
    "hidden_1",
    'activation="relu", kernel_initializer="he_normal"',
)
def _ten_sigmoid_layers(mended: bool) -> Patient:
    x, y = binary()
    kind = ("relu", "he_normal") if mended else ("sigmoid", "glorot_uniform")
    return two_classes(net(x, 10, *kind), x, y)


@fault(
    "six convolutions with sigmoid",
    "vanishing-gradient",
    "conv_1",
    'activation="relu", kernel_initializer="he_normal"',
)
def _six_convolutions_with_sigmoid(mended: bool) -> Patient:
    import keras

    x, y = images()
    kind = ("relu", "he_normal") if mended else ("sigmoid", "glorot_uniform")
    layers = [
        keras.layers.Conv2D(
            8,
            3,
            padding="same",
            activation=kind[0],
            kernel_initializer=kind[1],
            name=f"conv_{at}",
        )
        for at in range(1, 7)
    ]
    model = stack(x, *layers, keras.layers.Flatten(), dense(1, "sigmoid", "output"))
    return two_classes(model, x, y, epochs=15)


@fault(
    "thirty residual blocks without normalisation",
    "exploding-gradient",
    "up_1",
    "keras.layers.LayerNormalization()",
)
def _thirty_residual_blocks_without_normalisation(mended: bool) -> Patient:
    import keras

    x, y = binary()
    model = residual(x, 30, keras.layers.LayerNormalization if mended else None)
    return two_classes(model, x, y, sgd(0.02), epochs=15)


@fault(
    "weights four times too large after some training",
    "exploding-gradient",
    "hidden_2",
    'kernel_initializer="he_normal"',
)
def _weights_four_times_too_large_after_some_training(mended: bool) -> Patient:
    x, y = binary()
    model = net(x, 5)
    if not mended:
        for layer in model.layers[:-1]:
            layer.kernel.assign(4 * layer.kernel)
            layer.bias.assign(layer.bias + 0.01)
    return two_classes(model, x, y, sgd())


@fault(
    "the output's weights a thousandth after some training",
    "vanishing-gradient",
    "output",
    'keras.layers.Dense(..., kernel_initializer="glorot_uniform")',
)
def _the_outputs_weights_a_thousandth_after_some_training(mended: bool) -> Patient:
    x, y = binary()
    model = net(x, 5)
    if not mended:
        last = model.layers[-1]
        last.kernel.assign(1e-3 * last.kernel)
        last.bias.assign(last.bias + 0.01)
    return two_classes(model, x, y, sgd())


def _first_kernel_times(factor: float, mended: bool) -> Patient:
    x, y = binary()
    model = net(x, 5)
    if not mended:
        first = model.layers[0]
        first.kernel.assign(factor * first.kernel)
        # No initializer has drawn it so.
        first.bias.assign(first.bias + 0.01 * factor)
    return two_classes(model, x, y, sgd())


@fault(
    "the first layer's weights a thousandth after some training",
    "vanishing-signal",
    "hidden_1",
    'kernel_initializer="he_normal"',
)
def _the_first_layers_weights_a_thousandth_after_some_training(mended: bool) -> Patient:
    return _first_kernel_times(1e-3, mended)


@fault(
    "the first layer's weights ten thousand times too large after some training",
    "exploding-signal",
    "hidden_1",
    'kernel_initializer="he_normal"',
)
def _the_first_layers_weights_ten_thousand_times_too_large_after_some_training(
    mended: bool,
) -> Patient:
    return _first_kernel_times(1e4, mended)


@fault("a sign between two layers", "cut-gradient", "sign", "with a slope")
def _a_sign_between_two_layers(mended: bool) -> Patient:
    import keras

    x, y = corners()

    def bend(z: Any) -> Any:
        return keras.ops.tanh(z) if mended else keras.ops.round(keras.ops.sigmoid(z))

    # Four units, so that what chance made of them is not enough.
    model = stack(
        x,
        dense(4, None, "hidden_1", kernel_initializer="he_normal"),
        keras.layers.Lambda(bend, output_shape=(4,), name="sign"),
        dense(1, "sigmoid", "output"),
    )
    return two_classes(model, x, y, adam(0.05), epochs=60)


@fault("a series that ends in padding", "ignored-mask", "lstm", "mask_zero=True")
def _a_series_that_ends_in_padding(mended: bool) -> Patient:
    import keras

    x, y = words()
    x = np.concatenate([x + 1, np.zeros((len(x), 60), x.dtype)], axis=1)  # (256, 66)
    model = stack(
        x,
        keras.layers.Embedding(21, 8, mask_zero=mended, name="embedding"),
        keras.layers.LSTM(16, name="lstm"),
        dense(1, "sigmoid", "output"),
    )
    return two_classes(model, x, y, adam(0.02), epochs=20)
