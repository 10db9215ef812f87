"""Common recipes by how they train: starts, norms, schedules, precision, transfer."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.world.case import healthy
from livegrad_lab.world.working.parts import (
    blobs,
    classified,
    digits,
    logits,
    pictures,
    reviews,
    standardized,
)


@healthy("classic MLP of digits", "github.com/keras-team/keras/examples/mnist_mlp")
def _classic(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    pixels, y = digits()
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(128, activation="relu", name="dense_1"),
            layers.Dropout(0.2, name="drop_1"),
            layers.Dense(128, activation="relu", name="dense_2"),
            layers.Dropout(0.2, name="drop_2"),
            layers.Dense(10, activation="softmax", name="output"),
        ]
    )
    x, loss = pixels.reshape(-1, 64), "categorical_crossentropy"
    return classified(model, x, y, keras.optimizers.RMSprop(), loss, epochs=15, batch=128)


@healthy("self-normalising layers", "github.com/keras-team/keras/examples/reuters_mlp_relu_vs_selu")
def _self_normalising(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    pixels, y = digits()
    x = standardized(pixels.reshape(-1, 64)[:, pixels.reshape(-1, 64).std(axis=0) > 0])
    made: list[Any] = [keras.Input(x.shape[1:])]
    for at in range(1, 7):
        made += [
            layers.Dense(
                24, activation="selu", kernel_initializer="lecun_normal", name=f"dense_{at}"
            ),
            layers.AlphaDropout(0.1, name=f"drop_{at}"),
        ]
    model = keras.Sequential([*made, layers.Dense(10, activation="softmax", name="output")])
    loss = "categorical_crossentropy"
    return classified(model, x, y, keras.optimizers.SGD(0.1), loss, epochs=30)


@healthy("residual layers that start at nothing", "arxiv.org/abs/1901.09321")
def _zero_start(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    pixels, y = digits()
    inputs = keras.Input((64,))
    h = layers.Dense(64, name="entry")(inputs)
    for at in range(1, 9):
        made = layers.Dense(64, activation="relu", kernel_initializer="he_normal", name=f"up_{at}")
        # The branch adds nothing at first, so that depth costs nothing.
        down = layers.Dense(64, kernel_initializer="zeros", name=f"down_{at}")
        h = layers.Add(name=f"add_{at}")([h, down(made(h))])
    model = keras.Model(inputs, layers.Dense(10, kernel_initializer="zeros", name="output")(h))
    x = pixels.reshape(-1, 64)
    return classified(model, x, y, keras.optimizers.SGD(0.05, momentum=0.9), logits(), epochs=20)


@healthy("narrow and wide by turns", "arxiv.org/abs/1801.04381 (inverted residuals)")
def _inverted(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = pictures()

    def settled(h: Any, layer: Any, active: bool = True) -> Any:
        h = layers.BatchNormalization(momentum=0.9, name=f"{layer.name}_norm")(layer(h))
        return layers.ReLU(max_value=6.0, name=f"{layer.name}_relu")(h) if active else h

    inputs = keras.Input(x.shape[1:])
    h = layers.Rescaling(1 / 127.5, offset=-1, name="rescale")(inputs)
    more = {"padding": "same", "use_bias": False}
    h = settled(h, layers.Conv2D(12, 3, strides=2, name="stem", **more))
    for at in (1, 2, 3):
        made = settled(h, layers.Conv2D(48, 1, name=f"expand_{at}", **more))
        made = settled(made, layers.DepthwiseConv2D(3, name=f"depthwise_{at}", **more))
        made = settled(made, layers.Conv2D(12, 1, name=f"project_{at}", **more), active=False)
        h = layers.Add(name=f"add_{at}")([h, made])
    h = layers.GlobalAveragePooling2D(name="average")(h)
    model = keras.Model(inputs, layers.Dense(4, activation="softmax", name="output")(h))
    optimizer = keras.optimizers.RMSprop(0.005, momentum=0.9, epsilon=1e-3)
    return classified(model, x, y, optimizer, "categorical_crossentropy", epochs=20, batch=32)


@healthy("warm-up and a cosine", "keras.io/api/optimizers/learning_rate_schedules/cosine_decay")
def _warm_up(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = pictures()
    inputs = keras.Input(x.shape[1:])
    h = layers.Rescaling(1 / 255, name="rescale")(inputs)
    h = layers.Conv2D(32, 4, strides=4, name="embed")(h)
    h = layers.Reshape((16, 32), name="sequence")(h)
    for at in (1, 2):
        seen = layers.LayerNormalization(name=f"norm_seen_{at}")(h)
        h = h + layers.MultiHeadAttention(4, 8, name=f"attention_{at}")(seen, seen)
        made = layers.LayerNormalization(name=f"norm_made_{at}")(h)
        made = layers.Dense(128, activation="gelu", name=f"up_{at}")(made)
        h = h + layers.Dense(32, name=f"down_{at}")(made)
    h = layers.LayerNormalization(name="norm")(h)
    h = layers.GlobalAveragePooling1D(name="average")(h)
    model = keras.Model(inputs, layers.Dense(4, name="output")(h))
    rate = keras.optimizers.schedules.CosineDecay(0.0, 300, warmup_target=3e-3, warmup_steps=60)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=0.05)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    return classified(model, x, y, optimizer, loss, epochs=22, batch=32)


@healthy("half precision", "tensorflow.org/guide/mixed_precision")
def _half_precision(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    pixels, y = digits()
    half = "mixed_float16"
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(128, activation="relu", dtype=half, name="dense_1"),
            layers.Dense(128, activation="relu", dtype=half, name="dense_2"),
            layers.Dense(10, dtype=half, name="dense_logits"),
            layers.Activation("softmax", dtype="float32", name="predictions"),
        ]
    )
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.RMSprop())
    x, loss = pixels.reshape(-1, 64), "sparse_categorical_crossentropy"
    return classified(model, x, y, optimizer, loss, epochs=10, batch=128)


@healthy("padding that is masked", "keras.io/guides/understanding_masking_and_padding")
def _masked(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = reviews()
    # The words first and the padding behind them, which the mask keeps from the state.
    x = np.stack([np.roll(line, np.count_nonzero(line)) for line in x])
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            layers.Embedding(200, 16, mask_zero=True, name="embedding"),
            layers.GRU(32, name="gru"),
            layers.Dense(1, activation="sigmoid", name="output"),
        ]
    )
    optimizer = keras.optimizers.Adam(0.003, clipnorm=1.0)
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    return Patient(model, x, y.astype("float32"), y, "half", epochs=12, batch=32)


def _features(x: Any) -> Any:
    """Return convolutions, normalised, down to one vector."""
    import keras

    layers = keras.layers
    h = inputs = keras.Input(x.shape[1:])
    for at, width in enumerate((12, 24), 1):
        h = layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"conv_{at}")(h)
        h = layers.BatchNormalization(momentum=0.9, name=f"norm_{at}")(h)
        h = layers.MaxPooling2D(2, name=f"pool_{at}")(layers.ReLU(name=f"relu_{at}")(h))
    return keras.Model(inputs, layers.Flatten(name="flat")(h), name="features")


def _on_top(base: Any, kinds: int, name: str, **call: Any) -> Any:
    """Return the base under a new head."""
    import keras

    inputs = keras.Input(base.input_shape[1:])
    h = keras.layers.Dropout(0.2, name="drop")(base(inputs, **call))
    return keras.Model(inputs, keras.layers.Dense(kinds, name=name)(h))


@healthy(
    "features of five digits for the others",
    "github.com/keras-team/keras/examples/mnist_transfer_cnn",
)
def _other_digits(mended: bool) -> Patient:
    import keras

    x, y = digits()
    base = _features(x)
    first = _on_top(base, 5, "first")
    known = (x[y < 5], y[y < 5])
    classified(first, *known, keras.optimizers.Adam(0.003), logits(), epochs=6).train()
    base.trainable = False
    model = _on_top(base, 5, "output")
    rest = (x[y >= 5], y[y >= 5] - 5)
    return classified(model, *rest, keras.optimizers.Adam(), logits(), epochs=20)


@healthy("all layers tuned at a low rate", "keras.io/guides/transfer_learning (fine-tuning)")
def _fine_tuning(mended: bool) -> Patient:
    import keras

    x, y = digits()
    base = _features(x)
    first = _on_top(base, 5, "first")
    known = (x[y < 5], y[y < 5])
    classified(first, *known, keras.optimizers.Adam(0.003), logits(), epochs=6).train()
    base.trainable = False
    # The norms stay as they are, by training=False, when the base is free again.
    model = _on_top(base, 5, "output", training=False)
    rest = (x[y >= 5], y[y >= 5] - 5)
    classified(model, *rest, keras.optimizers.Adam(), logits(), epochs=20).train()
    base.trainable = True
    return classified(model, *rest, keras.optimizers.Adam(1e-5), logits(), epochs=10)


@healthy("causal convolutions, further apart by depth", "arxiv.org/abs/1803.01271")
def _dilated(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    # The adding task: two marks in each series, and the sum of what is marked.
    rng = np.random.default_rng(0)
    value, mark = rng.random((1024, 32)), np.zeros((1024, 32))
    rows = np.arange(1024)
    mark[rows, rng.integers(0, 16, 1024)] = mark[rows, rng.integers(16, 32, 1024)] = 1
    x = np.stack([value, mark], axis=-1).astype("float32")
    y = (value * mark).sum(axis=1, keepdims=True).astype("float32")
    h = inputs = keras.Input((32, 2))
    for at, gap in enumerate((1, 2, 4, 8), 1):
        made = h
        for part in ("a", "b"):
            made = layers.Conv1D(
                16,
                3,
                padding="causal",
                dilation_rate=gap,
                activation="relu",
                kernel_initializer="he_normal",
                name=f"conv_{at}_{part}",
            )(made)
        short = h if at > 1 else layers.Conv1D(16, 1, name="short")(h)
        h = layers.ReLU(name=f"relu_{at}")(layers.Add(name=f"add_{at}")([short, made]))
    model = keras.Model(inputs, layers.Dense(1, name="output")(h[:, -1]))
    model.compile(keras.optimizers.Adam(0.004), "mse")
    return Patient(model, x, y, y, "value", epochs=20, batch=32)


@healthy("a picture as waves of its places", "github.com/vsitzmann/siren")
def _waves_of_places(mended: bool) -> Patient:
    import keras

    layers, ops = keras.layers, keras.ops
    pixels, _ = blobs(1, 32)
    y = (pixels[0].reshape(-1, 3) / 127.5 - 1).astype("float32")
    place = np.linspace(-1, 1, 32)
    x = np.stack(np.meshgrid(place, place, indexing="ij"), axis=-1).reshape(-1, 2)

    def sine(h: Any, fan: int, at: int) -> Any:
        limit = 1 / fan if at == 1 else np.sqrt(6 / fan) / 30
        start = keras.initializers.RandomUniform(-limit, limit)
        return ops.sin(30 * layers.Dense(48, kernel_initializer=start, name=f"sine_{at}")(h))

    inputs = keras.Input((2,))
    h = sine(sine(sine(inputs, 2, 1), 48, 2), 48, 3)
    limit = np.sqrt(6 / 48) / 30
    start = keras.initializers.RandomUniform(-limit, limit)
    model = keras.Model(inputs, layers.Dense(3, kernel_initializer=start, name="output")(h))
    model.compile(keras.optimizers.Adam(1e-4), "mse")
    return Patient(model, x.astype("float32"), y, y, "value", epochs=100, batch=256)


@healthy("LeNet with batch normalisation", "d2l.ai/chapter_convolutional-modern/batch-norm")
def _lenet(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = digits(2)
    made: list[Any] = [keras.Input(x.shape[1:])]
    for at, width in enumerate((6, 16), 1):
        made += [
            layers.Conv2D(width, 3, name=f"conv_{at}"),
            layers.BatchNormalization(momentum=0.9, name=f"norm_{at}"),
            layers.Activation("sigmoid", name=f"sigmoid_{at}"),
            layers.AveragePooling2D(2, name=f"pool_{at}"),
        ]
    made.append(layers.Flatten(name="flat"))
    for at, width in enumerate((48, 32), 3):
        made += [
            layers.Dense(width, name=f"dense_{at}"),
            layers.BatchNormalization(momentum=0.9, name=f"norm_{at}"),
            layers.Activation("sigmoid", name=f"sigmoid_{at}"),
        ]
    model = keras.Sequential([*made, layers.Dense(10, name="output")])
    return classified(model, x, y, keras.optimizers.SGD(0.1), logits(), epochs=15, batch=32)
