"""From picture to picture, after the code examples at keras.io."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.world.case import healthy
from livegrad_lab.world.working.parts import blobs, digits


def _measured(model: Any, x: Any, y: Any, **more: Any) -> Patient:
    return Patient(model, x, y, y, "value", **more)


@healthy("segmentation with shortcuts", "keras.io/examples/vision/oxford_pets_image_segmentation")
def _segmentation(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    # The example feeds the pixels as they are, 0..255: normalisation follows each convolution.
    x, y = blobs()

    def twice(kind: Any, h: Any, width: int, name: str) -> Any:
        for part in ("a", "b"):
            h = layers.Activation("relu", name=f"relu_{name}_{part}")(h)
            h = kind(width, 3, padding="same", name=f"conv_{name}_{part}")(h)
            h = layers.BatchNormalization(name=f"norm_{name}_{part}")(h)
        return h

    inputs = keras.Input(x.shape[1:])
    h = layers.Conv2D(8, 3, strides=2, padding="same", name="entry")(inputs)
    h = layers.BatchNormalization(name="norm_entry")(h)
    before = h = layers.Activation("relu", name="relu_entry")(h)
    for width in (12, 16):
        h = twice(layers.SeparableConv2D, h, width, f"down_{width}")
        h = layers.MaxPooling2D(3, strides=2, padding="same", name=f"pool_{width}")(h)
        short = layers.Conv2D(width, 1, strides=2, padding="same", name=f"short_down_{width}")
        before = h = layers.add([h, short(before)], name=f"add_down_{width}")
    for width in (16, 12, 8):
        h = twice(layers.Conv2DTranspose, h, width, f"up_{width}")
        h = layers.UpSampling2D(2, name=f"larger_{width}")(h)
        short = layers.UpSampling2D(2, name=f"larger_short_{width}")(before)
        short = layers.Conv2D(width, 1, padding="same", name=f"short_up_{width}")(short)
        before = h = layers.add([h, short], name=f"add_up_{width}")
    outputs = layers.Conv2D(2, 3, activation="softmax", padding="same", name="output")(h)
    model = keras.Model(inputs, outputs)
    model.compile("rmsprop", "sparse_categorical_crossentropy")
    return Patient(model, x, y[..., None], y, "class", epochs=15, batch=8)


def _coarse(x: Any, times: int) -> Any:
    """Return the pictures with each square of pixels averaged."""
    n, side, _, channels = x.shape
    small = side // times
    return x.reshape(n, small, times, small, times, channels).mean(axis=(2, 4))


@healthy(
    "pixels rearranged for a sharper picture", "keras.io/examples/vision/super_resolution_sub_pixel"
)
def _sub_pixels(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    pixels, _ = blobs(size=18)
    y = pixels.mean(axis=-1, keepdims=True) / 255  # (n, 18, 18, 1)
    x = _coarse(y, 3)
    h = inputs = keras.Input(x.shape[1:])
    for at, (width, size) in enumerate(((24, 5), (24, 3), (12, 3), (9, 3)), 1):
        h = layers.Conv2D(
            width,
            size,
            padding="same",
            activation="relu",
            kernel_initializer="orthogonal",
            name=f"conv_{at}",
        )(h)
    h = layers.Reshape((6, 6, 3, 3), name="cut")(h)
    h = layers.Permute((1, 3, 2, 4), name="turn")(h)
    model = keras.Model(inputs, layers.Reshape((18, 18, 1), name="output")(h))
    model.compile(keras.optimizers.Adam(0.001), "mean_squared_error")
    return _measured(model, x, y, batch=16)


@healthy("residual blocks for a sharper picture", "keras.io/examples/vision/edsr")
def _enhanced_residual(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    y, _ = blobs()  # 0..255, and so is the output
    x = _coarse(y, 2)
    inputs = keras.Input(x.shape[1:])
    h = layers.Rescaling(1 / 255, name="rescale")(inputs)
    first = h = layers.Conv2D(16, 3, padding="same", name="entry")(h)
    for at in range(1, 5):
        made = layers.Conv2D(16, 3, padding="same", activation="relu", name=f"conv_{at}_a")(h)
        made = layers.Conv2D(16, 3, padding="same", name=f"conv_{at}_b")(made)
        h = layers.Add(name=f"add_{at}")([h, made])
    h = layers.Conv2D(16, 3, padding="same", name="conv_exit")(h)
    h = layers.Add(name="add_exit")([first, h])
    h = layers.Conv2D(64, 3, padding="same", name="widen")(h)
    h = layers.Reshape((8, 8, 2, 2, 16), name="cut")(h)
    h = layers.Permute((1, 3, 2, 4, 5), name="turn")(h)
    h = layers.Reshape((16, 16, 16), name="larger")(h)
    h = layers.Conv2D(3, 3, padding="same", name="colours")(h)
    model = keras.Model(inputs, layers.Rescaling(255, name="output")(h))
    rate = keras.optimizers.schedules.PiecewiseConstantDecay([5000], [1e-4, 5e-5])
    model.compile(keras.optimizers.Adam(rate), "mean_absolute_error")
    return _measured(model, x, y, epochs=16, batch=4)


@healthy("autoencoder that takes noise away", "keras.io/examples/vision/autoencoder")
def _denoiser(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    y, _ = digits(2)
    noise = np.random.default_rng(0).standard_normal(y.shape)
    x = (y + 0.4 * noise).clip(0, 1).astype("float32")
    h = inputs = keras.Input(x.shape[1:])
    for at in (1, 2):
        h = layers.Conv2D(16, 3, activation="relu", padding="same", name=f"encode_{at}")(h)
        h = layers.MaxPooling2D(padding="same", name=f"pool_{at}")(h)
    for at in (1, 2):
        h = layers.Conv2D(16, 3, activation="relu", padding="same", name=f"decode_{at}")(h)
        h = layers.UpSampling2D(name=f"larger_{at}")(h)
    outputs = layers.Conv2D(1, 3, activation="sigmoid", padding="same", name="output")(h)
    model = keras.Model(inputs, outputs)
    model.compile("adam", "binary_crossentropy")
    return _measured(model, x, y, epochs=10)


@healthy("next frame of a film", "keras.io/examples/vision/conv_lstm")
def _next_frame(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    start = np.random.default_rng(0).uniform(0, 8, (2, 160, 1, 1, 1))
    time, *place = np.meshgrid(np.arange(5), np.arange(8), np.arange(8), indexing="ij")
    far = [(at - time - first) % 8 for at, first in zip(place, start, strict=True)]
    away = np.hypot(*(np.minimum(part, 8 - part) for part in far))  # (160, 5, 8, 8)
    film = (away < 2).astype("float32")[..., None]
    x, y = film[:, :-1], film[:, 1:]
    h = inputs = keras.Input((None, *x.shape[2:]))
    for at, size in enumerate((5, 3, 1), 1):
        h = layers.ConvLSTM2D(
            8, size, padding="same", return_sequences=True, activation="relu", name=f"lstm_{at}"
        )(h)
        if at < 3:
            h = layers.BatchNormalization(name=f"norm_{at}")(h)
    outputs = layers.Conv3D(1, 3, activation="sigmoid", padding="same", name="output")(h)
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(), "binary_crossentropy")
    return Patient(model, x, y, y, "half", epochs=10, batch=5)


@healthy("pixels one after another", "keras.io/examples/generative/pixelcnn")
def _pixel_by_pixel(mended: bool) -> Patient:
    import keras

    layers = keras.layers

    class Masked(keras.layers.Conv2D):  # type: ignore[misc,unused-ignore]
        """A convolution that sees only the pixels before, and with ``own`` the pixel itself."""

        def __init__(self, width: int, size: int, own: bool, **more: Any) -> None:
            super().__init__(width, size, padding="same", **more)
            self.seen = np.zeros((size, size, 1, 1), "float32")
            self.seen[: size // 2] = self.seen[size // 2, : size // 2 + own] = 1

        def convolution_op(self, inputs: Any, kernel: Any) -> Any:
            return super().convolution_op(inputs, kernel * self.seen)

    grey, _ = digits()
    x = (grey > 0.33).astype("float32")
    inputs = keras.Input(x.shape[1:])
    h = Masked(24, 7, False, activation="relu", name="entry")(inputs)
    for at in (1, 2):
        made = layers.ReLU(name=f"relu_{at}")(h)
        made = layers.Conv2D(24, 1, activation="relu", name=f"same_{at}")(made)
        made = Masked(12, 3, True, activation="relu", name=f"masked_{at}")(made)
        made = layers.Conv2D(24, 1, activation="relu", name=f"widen_{at}")(made)
        h = layers.add([h, made], name=f"add_{at}")
    for at in (1, 2):
        h = Masked(24, 1, True, activation="relu", name=f"exit_{at}")(h)
    outputs = layers.Conv2D(1, 1, activation="sigmoid", name="output")(h)
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(0.0005), "binary_crossentropy")
    return Patient(model, x, x, x, "half", epochs=20)
