"""Classifiers of pictures, after the code examples at keras.io."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.world.case import healthy
from livegrad_lab.world.working.parts import (
    adamw,
    classified,
    digits,
    logits,
    normalized,
    patches,
    pictures,
    positions,
)


@healthy("two convolutions for scanned digits", "keras.io/examples/vision/mnist_convnet")
def _mnist_convnet(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = digits(2)
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.Conv2D(16, 3, activation="relu", name="conv_1"),
            layers.MaxPooling2D(name="pool_1"),
            layers.Conv2D(32, 3, activation="relu", name="conv_2"),
            layers.MaxPooling2D(name="pool_2"),
            layers.Flatten(name="flat"),
            layers.Dropout(0.5, name="drop"),
            layers.Dense(10, activation="softmax", name="output"),
        ]
    )
    return classified(model, x, y, "adam", "categorical_crossentropy", epochs=10, batch=128)


def _in_patches(block: Any, rate: float, blocks: int = 2, width: int = 32) -> Patient:
    """Return a classifier of patches that goes through the blocks, as the three models share it."""
    import keras

    x, y = pictures()
    inputs = keras.Input(x.shape[1:])
    h = patches(normalized(x, inputs), 4)
    h = keras.layers.Dense(width, name="embed")(h)
    h = positions(h)
    for at in range(1, blocks + 1):
        h = block(h, at)
    h = keras.layers.GlobalAveragePooling1D(name="average")(h)
    h = keras.layers.Dropout(0.2, name="drop")(h)
    model = keras.Model(inputs, keras.layers.Dense(4, name="output")(h))
    return classified(model, x, y, adamw(rate), logits(), epochs=20)


@healthy("mixer of patches and channels", "keras.io/examples/vision/mlp_image_classification")
def _mixer(mended: bool) -> Patient:
    import keras

    layers = keras.layers

    def mlp(h: Any, hidden: int, name: str) -> Any:
        out = layers.Dense(hidden, activation="gelu", name=f"{name}_up")(h)
        out = layers.Dense(h.shape[-1], name=f"{name}_down")(out)
        return layers.Dropout(0.2, name=f"{name}_drop")(out)

    def block(h: Any, at: int) -> Any:
        # The published block normalises twice with one layer.
        norm = layers.LayerNormalization(epsilon=1e-6, name=f"norm_{at}")
        turned = layers.Permute((2, 1), name=f"turn_{at}")(norm(h))
        mixed = mlp(turned, h.shape[1], f"patches_{at}")
        h = h + layers.Permute((2, 1), name=f"back_{at}")(mixed)
        return h + mlp(norm(h), h.shape[1], f"channels_{at}")

    return _in_patches(block, 0.005)


@healthy("gated MLP of patches", "keras.io/examples/vision/mlp_image_classification (gMLP)")
def _gated_mlp(mended: bool) -> Patient:
    import keras

    layers = keras.layers

    def block(h: Any, at: int) -> Any:
        width, length = h.shape[-1], h.shape[1]
        seen = layers.LayerNormalization(epsilon=1e-6, name=f"norm_{at}")(h)
        seen = layers.Dense(2 * width, activation="gelu", name=f"widen_{at}")(seen)
        seen = layers.Dropout(0.2, name=f"drop_{at}")(seen)
        u, v = keras.ops.split(seen, 2, axis=2)
        v = layers.LayerNormalization(epsilon=1e-6, name=f"norm_gate_{at}")(v)
        v = layers.Permute((2, 1), name=f"turn_{at}")(v)
        v = layers.Dense(length, bias_initializer="ones", name=f"gate_{at}")(v)
        gated = u * layers.Permute((2, 1), name=f"back_{at}")(v)
        return h + layers.Dense(width, name=f"narrow_{at}")(gated)

    return _in_patches(block, 0.005)


@healthy("Fourier mixing of patches", "keras.io/examples/vision/mlp_image_classification (FNet)")
def _fourier_patches(mended: bool) -> Patient:
    import keras

    layers = keras.layers

    def block(h: Any, at: int) -> Any:
        real, _ = keras.ops.fft2((h, keras.ops.zeros_like(h)))
        h = layers.LayerNormalization(epsilon=1e-6, name=f"norm_mixed_{at}")(h + real)
        made = layers.Dense(h.shape[-1], activation="gelu", name=f"up_{at}")(h)
        made = layers.Dropout(0.2, name=f"drop_{at}")(made)
        made = layers.Dense(h.shape[-1], name=f"down_{at}")(made)
        return layers.LayerNormalization(epsilon=1e-6, name=f"norm_made_{at}")(h + made)

    return _in_patches(block, 0.001)


@healthy(
    "vision transformer",
    "keras.io/examples/vision/image_classification_with_vision_transformer",
)
def _vision_transformer(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = pictures()

    def mlp(h: Any, sizes: tuple[int, int], rate: float, name: str) -> Any:
        for at, size in enumerate(sizes, 1):
            h = layers.Dense(size, activation="gelu", name=f"{name}_{at}")(h)
            h = layers.Dropout(rate, name=f"{name}_drop_{at}")(h)
        return h

    inputs = keras.Input(x.shape[1:])
    h = layers.RandomFlip("horizontal", name="flip")(normalized(x, inputs))
    h = positions(layers.Dense(32, name="embed")(patches(h, 4)))
    for at in (1, 2):
        seen = layers.LayerNormalization(epsilon=1e-6, name=f"norm_seen_{at}")(h)
        attend = layers.MultiHeadAttention(4, 16, dropout=0.1, name=f"attention_{at}")
        h = layers.Add(name=f"add_seen_{at}")([attend(seen, seen), h])
        made = layers.LayerNormalization(epsilon=1e-6, name=f"norm_made_{at}")(h)
        made = mlp(made, (64, 32), 0.1, f"mlp_{at}")
        h = layers.Add(name=f"add_made_{at}")([made, h])
    h = layers.LayerNormalization(epsilon=1e-6, name="norm")(h)
    h = layers.Dropout(0.5, name="drop")(layers.Flatten(name="flat")(h))
    h = mlp(h, (128, 64), 0.5, "head")
    model = keras.Model(inputs, layers.Dense(3, name="output")(h))
    # A flip turns one of the two slants into the other: they are one class.
    return classified(model, x, np.array([0, 1, 2, 1])[y], adamw(), logits(), epochs=20)


@healthy("convolutions that mix patches", "keras.io/examples/vision/convmixer")
def _convmixer(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = pictures()

    def settled(h: Any, name: str) -> Any:
        h = layers.Activation("gelu", name=f"gelu_{name}")(h)
        return layers.BatchNormalization(name=f"norm_{name}")(h)

    inputs = keras.Input(x.shape[1:])
    h = layers.Rescaling(1 / 255, name="rescale")(inputs)
    h = settled(layers.Conv2D(24, 2, strides=2, name="stem")(h), "stem")
    for at in (1, 2):
        deep = layers.DepthwiseConv2D(5, padding="same", name=f"deep_{at}")(h)
        h = layers.Add(name=f"add_{at}")([settled(deep, f"deep_{at}"), h])
        h = settled(layers.Conv2D(24, 1, name=f"point_{at}")(h), f"point_{at}")
    h = layers.GlobalAveragePooling2D(name="average")(h)
    model = keras.Model(inputs, layers.Dense(4, activation="softmax", name="output")(h))
    return classified(model, x, y, adamw(), "sparse_categorical_crossentropy", batch=32)


@healthy("compact convolutional transformer", "keras.io/examples/vision/cct")
def _compact_transformer(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = pictures()
    inputs = keras.Input(x.shape[1:])
    h = layers.Rescaling(1 / 255, name="rescale")(inputs)
    for at, width in enumerate((16, 32), 1):
        h = layers.Conv2D(
            width,
            3,
            use_bias=False,
            activation="relu",
            kernel_initializer="he_normal",
            name=f"conv_{at}",
        )(h)
        h = layers.ZeroPadding2D(1, name=f"pad_{at}")(h)
        h = layers.MaxPooling2D(3, 2, "same", name=f"pool_{at}")(h)
    h = positions(layers.Reshape((-1, 32), name="sequence")(h))
    for at in (1, 2):
        seen = layers.LayerNormalization(epsilon=1e-5, name=f"norm_seen_{at}")(h)
        attend = layers.MultiHeadAttention(2, 32, dropout=0.1, name=f"attention_{at}")
        # Dropping a branch for a whole example is stochastic depth; the first block keeps all.
        rate, shape = 0.1 * (at - 1), (None, 1, 1)
        h = h + layers.Dropout(rate, shape, name=f"depth_seen_{at}")(attend(seen, seen))
        made = layers.LayerNormalization(epsilon=1e-5, name=f"norm_made_{at}")(h)
        for part in ("up", "down"):
            made = layers.Dense(32, activation="gelu", name=f"{part}_{at}")(made)
            made = layers.Dropout(0.1, name=f"drop_{part}_{at}")(made)
        h = h + layers.Dropout(rate, shape, name=f"depth_made_{at}")(made)
    h = layers.LayerNormalization(epsilon=1e-5, name="norm")(h)
    weight = layers.Softmax(axis=1, name="weight")(layers.Dense(1, name="pooling")(h))
    h = keras.ops.sum(weight * h, axis=1)
    model = keras.Model(inputs, layers.Dense(4, name="output")(h))
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    return classified(model, x, y, adamw(), loss, epochs=10)


@healthy("external attention", "keras.io/examples/vision/eanet")
def _external_attention(mended: bool) -> Patient:
    import keras

    layers, ops = keras.layers, keras.ops
    x, y = pictures()

    def external(h: Any, at: int, heads: int = 8) -> Any:
        length, width = h.shape[1:]
        wide = layers.Dense(2 * width, name=f"widen_{at}")(h)
        wide = layers.Reshape((length, heads, 2 * width // heads), name=f"heads_{at}")(wide)
        wide = layers.Permute((2, 1, 3), name=f"turn_{at}")(wide)
        seen = layers.Dense(width // 4, name=f"keys_{at}")(wide)
        seen = layers.Softmax(axis=2, name=f"weights_{at}")(seen)
        seen = seen / (1e-9 + ops.sum(seen, axis=-1, keepdims=True))
        seen = layers.Dropout(0.2, name=f"drop_weights_{at}")(seen)
        wide = layers.Dense(2 * width // heads, name=f"values_{at}")(seen)
        wide = layers.Permute((2, 1, 3), name=f"back_{at}")(wide)
        wide = layers.Reshape((length, 2 * width), name=f"together_{at}")(wide)
        out = layers.Dense(width, name=f"narrow_{at}")(wide)
        return layers.Dropout(0.2, name=f"drop_{at}")(out)

    inputs = keras.Input(x.shape[1:])
    h = patches(normalized(x, inputs), 2)
    h = positions(layers.Dense(32, name="embed")(h))
    for at in (1, 2):
        seen = layers.LayerNormalization(epsilon=1e-5, name=f"norm_seen_{at}")(h)
        h = layers.add([external(seen, at), h], name=f"add_seen_{at}")
        made = layers.LayerNormalization(epsilon=1e-5, name=f"norm_made_{at}")(h)
        made = layers.Dense(32, activation="gelu", name=f"up_{at}")(made)
        made = layers.Dropout(0.2, name=f"drop_up_{at}")(made)
        made = layers.Dense(32, name=f"down_{at}")(made)
        made = layers.Dropout(0.2, name=f"drop_down_{at}")(made)
        h = layers.add([made, h], name=f"add_made_{at}")
    h = layers.GlobalAveragePooling1D(name="average")(h)
    model = keras.Model(inputs, layers.Dense(4, activation="softmax", name="output")(h))
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
    return classified(model, x, y, adamw(), loss, epochs=15)


@healthy("small Xception", "keras.io/examples/vision/image_classification_from_scratch")
def _small_xception(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = pictures(kinds=2)

    def conv(kind: Any, h: Any, name: str, *given: int, **more: Any) -> Any:
        h = kind(*given, padding="same", name=name, **more)(h)
        return layers.BatchNormalization(name=f"norm_{name}")(h)

    inputs = keras.Input(x.shape[1:])
    h = layers.Rescaling(1 / 255, name="rescale")(inputs)
    h = layers.ReLU(name="relu_entry")(conv(layers.Conv2D, h, "entry", 16, 3, strides=2))
    for width in (24, 32):
        before = h
        for part in ("a", "b"):
            h = layers.ReLU(name=f"relu_{width}_{part}")(h)
            h = conv(layers.SeparableConv2D, h, f"conv_{width}_{part}", width, 3)
        h = layers.MaxPooling2D(3, 2, "same", name=f"pool_{width}")(h)
        short = layers.Conv2D(width, 1, strides=2, padding="same", name=f"short_{width}")(before)
        h = layers.add([h, short], name=f"add_{width}")
    h = layers.ReLU(name="relu_exit")(conv(layers.SeparableConv2D, h, "exit", 48, 3))
    h = layers.GlobalAveragePooling2D(name="average")(h)
    h = layers.Dropout(0.5, name="drop")(h)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="output")(h))
    model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy", metrics=["accuracy"])
    return Patient(model, x, y.astype("float32"), y, "half", batch=32)


@healthy("student without its teacher", "keras.io/examples/vision/knowledge_distillation")
def _student(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = digits(2)
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.Conv2D(16, 3, strides=2, padding="same", name="conv_1"),
            layers.LeakyReLU(negative_slope=0.2, name="leaky"),
            layers.MaxPooling2D(2, strides=1, padding="same", name="pool"),
            layers.Conv2D(32, 3, strides=2, padding="same", name="conv_2"),
            layers.Flatten(name="flat"),
            layers.Dense(10, name="output"),
        ],
        name="student",
    )
    return classified(model, x, y, "adam", logits(), epochs=5)
