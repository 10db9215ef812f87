"""Models of series and of sound, after the code examples at keras.io."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.world.case import healthy
from livegrad_lab.world.working.parts import classified, onehot, signals, standardized


@healthy(
    "convolutions on series", "keras.io/examples/timeseries/timeseries_classification_from_scratch"
)
def _convolutions(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = signals()
    h = inputs = keras.Input(x.shape[1:])
    for at in (1, 2, 3):
        h = layers.Conv1D(24, 3, padding="same", name=f"conv_{at}")(h)
        h = layers.BatchNormalization(name=f"norm_{at}")(h)
        h = layers.ReLU(name=f"relu_{at}")(h)
    h = layers.GlobalAveragePooling1D(name="average")(h)
    model = keras.Model(inputs, layers.Dense(2, activation="softmax", name="output")(h))
    return classified(model, x, y, "adam", "sparse_categorical_crossentropy", batch=32)


@healthy(
    "transformer on series", "keras.io/examples/timeseries/timeseries_classification_transformer"
)
def _transformer(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    # Eight channels and not the one of the data there: a single one, normalised, is always zero.
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 768)
    start = rng.integers(0, 16, 768)
    bump = np.exp(-0.3 * (np.arange(24) - 4 - start[:, None]) ** 2)[..., None]  # (768, 24, 1)
    shape = rng.standard_normal((2, 8))[y][:, None]  # which channels rise and which fall
    x = (2 * bump * shape + 0.3 * rng.standard_normal((768, 24, 8))).astype("float32")
    h = inputs = keras.Input(x.shape[1:])
    for at in (1, 2):
        attend = layers.MultiHeadAttention(4, 32, dropout=0.25, name=f"attention_{at}")
        seen = layers.Dropout(0.25, name=f"drop_seen_{at}")(attend(h, h))
        h = layers.LayerNormalization(epsilon=1e-6, name=f"norm_seen_{at}")(seen) + h
        made = layers.Conv1D(4, 1, activation="relu", name=f"up_{at}")(h)
        made = layers.Dropout(0.25, name=f"drop_made_{at}")(made)
        made = layers.Conv1D(8, 1, name=f"down_{at}")(made)
        h = layers.LayerNormalization(epsilon=1e-6, name=f"norm_made_{at}")(made) + h
    h = layers.GlobalAveragePooling1D(name="average")(h)
    h = layers.Dropout(0.4, name="drop")(layers.Dense(128, activation="relu", name="dense")(h))
    model = keras.Model(inputs, layers.Dense(2, activation="softmax", name="output")(h))
    optimizer, loss = keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy"
    return classified(model, x, y, optimizer, loss, epochs=12, batch=32)


@healthy("autoencoder of series", "keras.io/examples/timeseries/timeseries_anomaly_detection")
def _autoencoder(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    time = np.arange(1100)
    noise = np.random.default_rng(0).standard_normal(1100)
    daily = standardized(np.where(time % 48 > 20, 1.0, 0.2) + 0.05 * noise)
    x = np.stack([daily[at : at + 48] for at in range(0, 1040, 2)])[..., None]
    more = {"padding": "same", "strides": 2, "activation": "relu"}
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.Conv1D(32, 7, name="encode_1", **more),
            layers.Dropout(0.2, name="drop_1"),
            layers.Conv1D(16, 7, name="encode_2", **more),
            layers.Conv1DTranspose(16, 7, name="decode_1", **more),
            layers.Dropout(0.2, name="drop_2"),
            layers.Conv1DTranspose(32, 7, name="decode_2", **more),
            layers.Conv1DTranspose(1, 7, padding="same", name="output"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.001), "mse")
    return Patient(model, x, x, x, "value", batch=64)


@healthy("weather of tomorrow", "keras.io/examples/timeseries/timeseries_weather_forecasting")
def _weather(mended: bool) -> Patient:
    import keras

    rng = np.random.default_rng(0)
    hours = np.arange(1600)
    day, season = 2 * np.pi * hours / 24, 2 * np.pi * hours / 800
    drift = np.convolve(rng.standard_normal(1700), np.full(40, 0.15))[:1600]
    warmth = 10 * np.sin(season) + 5 * np.sin(day) + drift
    pressure = 990 + 4 * np.cos(season) + rng.standard_normal(1600)
    damp = 80 - 2 * warmth + 3 * rng.standard_normal(1600)
    wind = rng.gamma(2, 1.5, 1600)
    data = standardized(np.stack([pressure, warmth, damp, wind], axis=1))
    x = np.stack([data[at : at + 24] for at in range(1560)])
    y = data[24 + 11 : 24 + 11 + 1560, 1]
    x = x[: len(y)]
    inputs = keras.Input(x.shape[1:])
    h = keras.layers.LSTM(32, name="lstm")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1, name="output")(h))
    model.compile(keras.optimizers.Adam(0.001), "mse")
    return Patient(model, x, y, y, "value", epochs=20, batch=64)


@healthy("waves of the brain", "keras.io/examples/timeseries/eeg_signal_classification")
def _brain(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = signals(kinds=4)
    x = (x - x.min(axis=1, keepdims=True)) / np.ptp(x, axis=1, keepdims=True)  # to 0..1
    h = inputs = keras.Input(x.shape[1:])
    for at, (width, size) in enumerate(((16, 3), (24, 5), (32, 7)), 1):
        conv = layers.Conv1D(
            width, size, strides=2, activation="relu", padding="same", name=f"conv_{at}"
        )
        h = layers.BatchNormalization(name=f"norm_{at}")(conv(h))
    h = layers.Flatten(name="flat")(layers.Dropout(0.2, name="drop_conv")(h))
    h = layers.Dense(64, activation="relu", name="dense_1")(h)
    for at, width in enumerate((48, 32), 2):
        h = layers.Dropout(0.2, name=f"drop_{at}")(h)
        h = layers.Dense(
            width,
            activation="relu",
            kernel_regularizer=keras.regularizers.L2(),
            name=f"dense_{at}",
        )(h)
    model = keras.Model(inputs, layers.Dense(4, activation="softmax", name="output")(h))
    model.compile(
        keras.optimizers.Adam(0.001, amsgrad=True),
        keras.losses.CategoricalCrossentropy(),
        metrics=[keras.metrics.TopKCategoricalAccuracy(k=3), keras.metrics.AUC()],
    )
    return Patient(model, x, onehot(y, 4), y, "class", batch=32)


@healthy("who is speaking", "keras.io/examples/audio/speaker_recognition_using_cnn")
def _speaker(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    # Each voice has its formants; the example takes the size of the Fourier transform as it is.
    rng = np.random.default_rng(0)
    y = rng.integers(0, 5, 400)
    time = np.arange(256)
    formants = rng.uniform(0.2, 2.8, (5, 4))
    pitch = formants[y] * rng.uniform(0.97, 1.03, (400, 1))  # (400, 4)
    tones = np.sin(pitch[..., None] * time + rng.uniform(0, 2 * np.pi, (400, 4, 1)))
    sound = 0.2 * tones.sum(axis=1) + 0.1 * rng.standard_normal((400, 256))
    x = np.abs(np.fft.fft(sound))[:, :128, None].astype("float32")

    def block(h: Any, width: int, depth: int, at: int) -> Any:
        short = layers.Conv1D(width, 1, padding="same", name=f"short_{at}")(h)
        for part in range(1, depth):
            h = layers.Conv1D(width, 3, padding="same", name=f"conv_{at}_{part}")(h)
            h = layers.Activation("relu", name=f"relu_{at}_{part}")(h)
        h = layers.Conv1D(width, 3, padding="same", name=f"conv_{at}_{depth}")(h)
        h = layers.Activation("relu", name=f"relu_{at}")(layers.Add(name=f"add_{at}")([h, short]))
        return layers.MaxPooling1D(2, 2, name=f"pool_{at}")(h)

    h = inputs = keras.Input(x.shape[1:], name="input")
    for at, (width, depth) in enumerate(((8, 2), (16, 2), (24, 3)), 1):
        h = block(h, width, depth, at)
    h = layers.AveragePooling1D(3, 3, name="average")(h)
    h = layers.Flatten(name="flat")(h)
    for at, width in enumerate((64, 32), 1):
        h = layers.Dense(width, activation="relu", name=f"dense_{at}")(h)
    model = keras.Model(inputs, layers.Dense(5, activation="softmax", name="output")(h))
    return classified(model, x, y, "adam", "sparse_categorical_crossentropy", epochs=15, batch=32)
