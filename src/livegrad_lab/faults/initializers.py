"""Faults of W: a wrong size, symmetry, a kernel drawn twice, numbers beyond the largest."""

from __future__ import annotations

import numpy as np

from livegrad_lab.faults.case import Patient, fault
from livegrad_lab.faults.models import adam, binary, corners, dense, net, sgd, stack, two_classes


@fault(
    "thirty ReLU layers with glorot_uniform",
    "initializer-mismatch",
    "hidden_2",
    'kernel_initializer="he_normal"',
)
def _thirty_relu_layers_with_glorot_uniform(mended: bool) -> Patient:
    x, y = binary()
    model = net(x, 30, "relu", "he_normal" if mended else "glorot_uniform")
    return two_classes(model, x, y, sgd(), epochs=20)


@fault(
    "first weights too small",
    "initializer-mismatch",
    "hidden_2",
    'kernel_initializer="he_normal"',
)
def _first_weights_too_small(mended: bool) -> Patient:
    import keras

    x, y = binary()
    model = net(x, 4)
    if not mended:
        model = net(x, 4, "relu", "random_normal", width=32)
        for layer in model.layers[:-1]:
            small = keras.initializers.RandomNormal(stddev=0.01)
            layer.kernel_initializer = small
            layer.kernel.assign(small(layer.kernel.shape))
    return two_classes(model, x, y, sgd())


@fault(
    "first weights too large",
    "initializer-mismatch",
    "hidden_2",
    'kernel_initializer="he_normal"',
)
def _first_weights_too_large(mended: bool) -> Patient:
    import keras

    x, y = binary()
    layers = [
        dense(
            32,
            "relu",
            f"hidden_{at}",
            kernel_initializer="he_normal"
            if mended
            else keras.initializers.RandomNormal(stddev=2.0, seed=at),
        )
        for at in range(1, 5)
    ]
    return two_classes(stack(x, *layers, dense(1, "sigmoid", "output")), x, y, sgd())


@fault(
    "one layer of five too small",
    "initializer-mismatch",
    "hidden_3",
    'kernel_initializer="he_normal"',
)
def _one_layer_of_five_too_small(mended: bool) -> Patient:
    import keras

    x, y = binary()
    small = "he_normal" if mended else keras.initializers.RandomNormal(stddev=1e-4)
    layers = [
        dense(32, "relu", f"hidden_{at}", kernel_initializer=small if at == 3 else "he_normal")
        for at in range(1, 6)
    ]
    return two_classes(stack(x, *layers, dense(1, "sigmoid", "output")), x, y, sgd())


@fault("a weight is NaN", "non-finite", "hidden_2", "kernel.assign(keras.initializers")
def _a_weight_is_nan(mended: bool) -> Patient:
    import keras

    x, y = binary()
    model = net(x, 3)
    kernel = model.layers[1].kernel
    broken = np.asarray(kernel)
    broken[0, 0] = np.nan
    kernel.assign(broken)
    if mended:
        kernel.assign(keras.initializers.GlorotUniform()((32, 32)))
    return two_classes(model, x, y)


@fault(
    "activations beyond the largest number",
    "non-finite",
    "hidden_2",
    'kernel_initializer="he_normal"',
)
def _activations_beyond_the_largest_number(mended: bool) -> Patient:
    import keras

    x, y = binary()
    huge = keras.initializers.RandomNormal(stddev=1e25, seed=1)
    layers = [
        dense(32, "relu", f"hidden_{at}", kernel_initializer="he_normal" if mended else huge)
        for at in (1, 2)
    ]
    return two_classes(stack(x, *layers, dense(1, "sigmoid", "output")), x, y)


@fault("all weights zero", "symmetric-weights", "hidden_1", 'kernel_initializer="he_normal"')
def _all_weights_zero(mended: bool) -> Patient:
    import keras

    x, y = binary()
    model = net(x, 3, "relu", "he_normal" if mended else "zeros")
    if not mended:
        model.layers[-1].kernel.assign(keras.ops.zeros((32, 1)))
    return two_classes(model, x, y)


@fault("all weights equal", "symmetric-weights", "hidden_1", 'kernel_initializer="glorot_uniform"')
def _all_weights_equal(mended: bool) -> Patient:
    import keras

    x, y = corners()
    model = net(x, 2, "tanh", "glorot_uniform")
    if not mended:
        for layer in model.layers:
            layer.kernel.assign(keras.ops.full(layer.kernel.shape, 0.1))
    return two_classes(model, x, y, adam(0.02))


@fault(
    "one initializer instance in eight layers",
    "identical-kernels",
    "hidden_3",
    'kernel_initializer="he_normal"',
)
def _one_initializer_instance_in_eight_layers(mended: bool) -> Patient:
    import keras

    x, y = binary()
    shared = "he_normal" if mended else keras.initializers.HeNormal()
    return two_classes(net(x, 8, "relu", shared), x, y, sgd())
