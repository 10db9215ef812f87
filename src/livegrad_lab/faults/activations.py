"""Faults of phi'(z): dead and saturated units, a softmax inside, no activation at all."""

from __future__ import annotations

from typing import Any

from livegrad_lab.faults.case import Patient, fault
from livegrad_lab.faults.models import adam, binary, corners, dense, net, sgd, stack, two_classes


@fault("a logarithm of 0", "non-finite", "log", "keras.ops.maximum(x, keras.config.epsilon())")
def _a_logarithm_of_0(mended: bool) -> Patient:
    import keras

    class Log(keras.layers.Layer):  # type: ignore[misc,unused-ignore]
        def call(self, x: Any) -> Any:
            return keras.ops.log(keras.ops.maximum(x, keras.config.epsilon()) if mended else x)

    x, y = binary()
    model = stack(
        x,
        dense(32, "softplus", "hidden_1"),
        keras.layers.ReLU(threshold=0.5, name="cut"),
        Log(name="log"),
        dense(1, "sigmoid", "output"),
    )
    return two_classes(model, x, y)


@fault("all units born dead", "dead-units", "hidden_1", 'bias_initializer="zeros"')
def _all_units_born_dead(mended: bool) -> Patient:
    import keras

    x, y = binary()
    bias = "zeros" if mended else keras.initializers.Constant(-10.0)
    return two_classes(net(x, 2, bias_initializer=bias), x, y)


@fault("a layer within dies", "dead-units", "hidden_3", 'bias_initializer="zeros"')
def _a_layer_within_dies(mended: bool) -> Patient:
    import keras

    x, y = binary()
    low = "zeros" if mended else keras.initializers.Constant(-20.0)
    layers = [
        dense(32, "relu", f"hidden_{at}", bias_initializer=low if at == 3 else "zeros")
        for at in range(1, 5)
    ]
    return two_classes(stack(x, *layers, dense(1, "sigmoid", "output")), x, y)


@fault("tanh far out by its bias", "saturated-units", "hidden_2", 'bias_initializer="zeros"')
def _tanh_far_out_by_its_bias(mended: bool) -> Patient:
    import keras

    x, y = binary()
    far = "zeros" if mended else keras.initializers.Constant(10.0)
    layers = [
        dense(32, "tanh", f"hidden_{at}", bias_initializer=far if at == 2 else "zeros")
        for at in (1, 2)
    ]
    return two_classes(stack(x, *layers, dense(1, "sigmoid", "output")), x, y)


@fault(
    "eight tanh layers with weights too large",
    "saturated-units",
    "hidden_1",
    'kernel_initializer="glorot_uniform"',
)
def _eight_tanh_layers_with_weights_too_large(mended: bool) -> Patient:
    import keras

    x, y = binary()
    layers = [
        dense(
            32,
            "tanh",
            f"hidden_{at}",
            kernel_initializer="glorot_uniform"
            if mended
            else keras.initializers.RandomNormal(stddev=2.0, seed=at),
        )
        for at in range(1, 9)
    ]
    return two_classes(stack(x, *layers, dense(1, "sigmoid", "output")), x, y, epochs=20)


@fault(
    "softmax between layers",
    "softmax-hidden",
    "hidden_2",
    'keras.layers.Dense(32, activation="relu", kernel_initializer="he_normal")',
)
def _softmax_between_layers(mended: bool) -> Patient:
    x, y = binary()
    layers = [
        dense(32, "softmax" if at == 2 and not mended else "relu", f"hidden_{at}")
        for at in (1, 2, 3)
    ]
    return two_classes(stack(x, *layers, dense(1, "sigmoid", "output")), x, y, sgd())


@fault(
    "no activation between layers",
    "no-nonlinearity",
    "hidden_1",
    'activation="relu", kernel_initializer="he_normal"',
)
def _no_activation_between_layers(mended: bool) -> Patient:
    x, y = corners()
    model = net(x, 3, "relu" if mended else None, "he_normal" if mended else "glorot_uniform")
    return two_classes(model, x, y, adam(0.01))
