"""Models that train, from keras.io's examples; each with its own preparation."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.world.second.case import healthy
from livegrad_lab.world.working.parts import (
    blobs,
    classified,
    digits,
    logits,
    pictures,
    standardized,
)

SPARSE = "sparse_categorical_crossentropy"


@healthy("convolutions with centred gradients", "keras.io/examples/vision/gradient_centralization")
def _centred_gradients(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = pictures(384, 16, 3)
    # The example's network for rock, paper and scissors, two of its four stages.
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.Rescaling(1 / 255, name="rescale"),
            layers.Conv2D(16, 3, activation="relu", name="conv_1"),
            layers.MaxPooling2D(2, name="pool_1"),
            layers.Conv2D(32, 3, activation="relu", name="conv_2"),
            layers.Dropout(0.5, name="dropout_1"),
            layers.MaxPooling2D(2, name="pool_2"),
            layers.Flatten(name="flatten"),
            layers.Dropout(0.5, name="dropout_2"),
            layers.Dense(64, activation="relu", name="hidden"),
            layers.Dense(3, activation="softmax", name="output"),
        ]
    )

    class Centred(keras.optimizers.RMSprop):  # type: ignore[misc,unused-ignore]
        """The step of RMSprop by gradients whose mean over a unit's inputs is 0."""

        def apply(self, gradients: Any, variables: Any = None) -> Any:
            ops = keras.ops
            centred = [
                one - ops.mean(one, axis=list(range(len(one.shape) - 1)), keepdims=True)
                if len(one.shape) > 1
                else one
                for one in gradients
            ]
            return super().apply(centred, variables)

    return classified(model, x, y, Centred(1e-3), SPARSE, epochs=20, batch=32)


@healthy("dilated pyramid for a mask", "keras.io/examples/vision/deeplabv3_plus")
def _dilated_pyramid(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, disc = blobs(160)

    def block(h: Any, name: str, size: int = 3, dilation: int = 1) -> Any:
        h = layers.Conv2D(
            8,
            size,
            padding="same",
            dilation_rate=dilation,
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"conv_{name}",
        )(h)
        h = layers.BatchNormalization(momentum=0.9, name=f"norm_{name}")(h)
        return layers.ReLU(name=f"relu_{name}")(h)

    inputs = keras.Input(x.shape[1:])
    h = layers.Rescaling(1 / 127.5, -1.0, name="rescale")(inputs)
    first = block(h, "first")
    low = layers.AveragePooling2D(2, name="down")(first)
    whole = layers.AveragePooling2D(8, name="whole")(low)
    whole = block(whole, "whole", 1)
    whole = layers.UpSampling2D(8, interpolation="bilinear", name="whole_up")(whole)
    parts = [block(low, f"rate_{rate}", 3 if rate > 1 else 1, rate) for rate in (1, 2, 3)]
    h = block(layers.concatenate([whole, *parts], name="pyramid"), "joined", 1)
    h = layers.UpSampling2D(2, interpolation="bilinear", name="up")(h)
    h = block(layers.concatenate([h, block(first, "low", 1)], name="decoder"), "last")
    model = keras.Model(inputs, layers.Conv2D(2, 1, name="classes")(h))
    model.compile(keras.optimizers.Adam(0.003), logits(), metrics=["accuracy"])
    return Patient(model, x, disc, disc, "class", epochs=8, batch=16)


@healthy("values of a game's pushes", "keras.io/examples/rl/deep_q_network_breakout")
def _values_of_pushes(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    pages, disc = blobs(300)
    x = (pages.mean(axis=-1, keepdims=True) / 255).astype("float32")
    # Discounted rewards, in -1..1: the further a disc is to one side, the better the push there.
    side = (disc * np.linspace(-1, 1, 16)).sum(axis=(1, 2)) / disc.sum(axis=(1, 2))
    y = np.stack([np.clip(s * 2 * side, -1, 1) for s in (-1, 0, 1)], axis=1).astype("float32")
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.Conv2D(16, 4, strides=2, activation="relu", name="conv_1"),
            layers.Conv2D(16, 3, activation="relu", name="conv_2"),
            layers.Flatten(name="flatten"),
            layers.Dense(64, activation="relu", name="hidden"),
            layers.Dense(3, activation="linear", name="actions"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.00025, clipnorm=1.0), keras.losses.Huber())
    return Patient(model, x, y, y, "value", epochs=60, batch=32)


@healthy("kernels made by each place itself", "keras.io/examples/vision/involution")
def _involution(mended: bool) -> Patient:
    import keras

    layers, ops = keras.layers, keras.ops
    x, y = digits()

    def involution(h: Any, at: int) -> Any:
        """Return the places around each, weighted by a kernel that is computed from it."""
        channels = h.shape[-1]
        kernel = layers.Conv2D(max(channels // 2, 1), 1, name=f"reduce_{at}")(h)
        kernel = layers.BatchNormalization(momentum=0.9, name=f"norm_{at}")(kernel)
        kernel = layers.ReLU(name=f"bend_{at}")(kernel)
        kernel = layers.Conv2D(9, 1, name=f"kernel_{at}")(kernel)

        def weigh(pair: Any) -> Any:
            own, seen = pair
            padded = ops.pad(seen, [[0, 0], [1, 1], [1, 1], [0, 0]])
            places = [
                padded[:, i : i + own.shape[1], j : j + own.shape[2]]
                for i in range(3)
                for j in range(3)
            ]
            return ops.sum(ops.stack(places, axis=-1) * own[:, :, :, None, :], axis=-1)

        return layers.Lambda(weigh, output_shape=h.shape[1:], name=f"involve_{at}")([kernel, h])

    inputs = keras.Input(x.shape[1:])
    h = layers.Conv2D(12, 3, padding="same", name="stem")(inputs)
    for at in (1, 2):
        h = layers.ReLU(name=f"relu_{at}")(involution(h, at))
        h = layers.MaxPooling2D(name=f"pool_{at}")(h)
    h = layers.Dense(64, activation="relu", name="hidden")(layers.Flatten(name="flatten")(h))
    model = keras.Model(inputs, layers.Dense(10, name="output")(h))
    return classified(model, x, y, keras.optimizers.Adam(0.003), logits(), epochs=6)


@healthy("likeness as a classifier", "keras.io/examples/vision/metric_learning")
def _likeness(mended: bool) -> Patient:
    import keras

    layers, ops = keras.layers, keras.ops
    x, y = digits()
    rng = np.random.default_rng(0)
    # An anchor, and one picture of each of ten classes: which of them is its own?
    shown = np.stack([x[rng.choice(np.flatnonzero(y == kind), 600)] for kind in range(10)], axis=1)
    picked = rng.integers(0, len(x), 600)
    one = keras.Input(x.shape[1:])
    h = layers.Conv2D(16, 3, strides=2, activation="relu", name="conv")(one)
    h = layers.Dense(16, name="embed")(layers.Flatten(name="flatten")(h))
    h = layers.UnitNormalization(name="unit")(h)
    embed = keras.Model(one, h, name="embedding")
    anchor = keras.Input(x.shape[1:], name="anchor")
    others = keras.Input((10, *x.shape[1:]), name="others")
    among = layers.TimeDistributed(embed, name="each")(others)

    def alike(pair: Any) -> Any:
        # The example divides by a temperature of 0.2.
        return ops.sum(pair[0][:, None] * pair[1], axis=-1) / 0.2

    scores = layers.Lambda(alike, output_shape=(10,), name="alike")([embed(anchor), among])
    model = keras.Model([anchor, others], scores)
    model.compile(keras.optimizers.Adam(0.003), logits(), metrics=["accuracy"])
    given = [x[picked], shown.astype("float32")]
    return Patient(model, given, y[picked], y[picked], "class", epochs=10, batch=32)


@healthy("traffic of the next hour", "keras.io/examples/timeseries/timeseries_traffic_forecasting")
def _traffic(mended: bool) -> Patient:
    import keras

    rng = np.random.default_rng(0)
    hours = np.arange(900)
    phase = rng.uniform(0, 2 * np.pi, 5)
    speed = np.sin(2 * np.pi * hours[:, None] / 24 + phase) + 0.2 * rng.standard_normal((900, 5))
    speed = standardized(60 + 10 * speed)
    x = np.stack([speed[at : at + 12] for at in range(880)])
    y = speed[12:892]
    # The recurrent part of the example, one row of weights for all sensors.
    model = keras.Sequential(
        [
            keras.Input((12, 5)),
            keras.layers.LSTM(32, activation="relu", name="lstm"),
            keras.layers.Dense(5, name="output"),
        ]
    )
    model.compile(keras.optimizers.RMSprop(0.002), "mean_squared_error")
    return Patient(model, x, y, y, "value", epochs=12, batch=64)
