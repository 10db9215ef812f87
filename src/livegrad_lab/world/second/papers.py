"""Networks of papers that train, rebuilt small; each as its paper starts and steps it."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.world.second.case import healthy
from livegrad_lab.world.working.parts import (
    adamw,
    blobs,
    classified,
    digits,
    logits,
    ratings,
    reviews,
    sentences,
    signals,
)

SPARSE = "sparse_categorical_crossentropy"


@healthy("gates that are shut at first", "arxiv.org/abs/1505.00387")
def _highway(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    pixels, y = digits()
    x = pixels.reshape(-1, 64)
    h = inputs = keras.Input((64,))
    h = layers.Dense(32, activation="relu", name="plain")(h)
    for at in range(1, 11):
        # The paper starts the gates' biases below 0, so that at first most is carried on.
        shut = keras.initializers.Constant(-2)
        gate = layers.Dense(32, "sigmoid", bias_initializer=shut, name=f"gate_{at}")(h)
        made = layers.Dense(32, "relu", kernel_initializer="he_normal", name=f"made_{at}")(h)
        h = h + gate * (made - h)
    model = keras.Model(inputs, layers.Dense(10, activation="softmax", name="output")(h))
    rate = keras.optimizers.SGD(0.1, momentum=0.9)
    return classified(model, x, y, rate, SPARSE, epochs=12, batch=64)


@healthy("largest of several lines", "arxiv.org/abs/1302.4389")
def _maxout(mended: bool) -> Patient:
    import keras

    layers, ops = keras.layers, keras.ops
    pixels, y = digits()
    x = pixels.reshape(-1, 64)
    h = inputs = keras.Input((64,))
    for at in (1, 2):
        h = layers.Dropout(0.2 if at == 1 else 0.5, name=f"dropout_{at}")(h)
        h = layers.Dense(160, name=f"lines_{at}")(h)
        h = layers.Reshape((40, 4), name=f"groups_{at}")(h)
        h = layers.Lambda(
            lambda parts: ops.max(parts, axis=-1), output_shape=(40,), name=f"maxout_{at}"
        )(h)
    model = keras.Model(inputs, layers.Dense(10, activation="softmax", name="output")(h))
    rate = keras.optimizers.SGD(0.05, momentum=0.9)
    return classified(model, x, y, rate, SPARSE, epochs=15)


@healthy("network in a network", "arxiv.org/abs/1312.4400")
def _network_in_network(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = digits()
    parts: list[Any] = [keras.Input(x.shape[1:])]
    for at, (width, size) in enumerate(((24, 3), (24, 1), (24, 1), (32, 3), (32, 1)), 1):
        parts.append(
            layers.Conv2D(
                width, size, padding="same", activation="relu",
                kernel_initializer="he_normal", name=f"conv_{at}",
            )
        )  # fmt: skip
        if at == 3:
            parts += [layers.MaxPooling2D(name="pool"), layers.Dropout(0.5, name="dropout")]
    parts += [
        layers.Conv2D(10, 1, kernel_initializer="he_normal", name="classes"),
        layers.GlobalAveragePooling2D(name="average"),
        layers.Softmax(name="softmax"),
    ]
    rate = keras.optimizers.SGD(0.05, momentum=0.9)
    return classified(keras.Sequential(parts), x, y, rate, SPARSE, epochs=12, batch=64)


@healthy("squeezed and spread again", "arxiv.org/abs/1602.07360")
def _fire(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = digits()
    h = inputs = keras.Input(x.shape[1:])
    h = layers.Conv2D(16, 3, padding="same", activation="relu", name="conv_1")(h)
    for at, width in enumerate((16, 24), 1):
        h = layers.Conv2D(8, 1, activation="relu", name=f"squeeze_{at}")(h)
        spread = [
            layers.Conv2D(width, size, padding="same", activation="relu", name=f"e{size}_{at}")(h)
            for size in (1, 3)
        ]
        h = layers.MaxPooling2D(name=f"pool_{at}")(layers.concatenate(spread, name=f"fire_{at}"))
    h = layers.Dropout(0.5, name="dropout")(h)
    h = layers.Conv2D(10, 1, name="conv_10")(h)
    h = layers.GlobalAveragePooling2D(name="average")(h)
    model = keras.Model(inputs, layers.Softmax(name="softmax")(h))
    return classified(model, x, y, keras.optimizers.Adam(0.003), SPARSE, epochs=15)


@healthy("channels weighted by their means", "arxiv.org/abs/1709.01507")
def _squeeze_and_excite(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    x, y = digits()
    h = inputs = keras.Input(x.shape[1:])
    h = layers.Conv2D(16, 3, padding="same", use_bias=False, name="stem")(h)
    for at in (1, 2):
        made = layers.BatchNormalization(momentum=0.9, name=f"norm_{at}")(h)
        made = layers.ReLU(name=f"relu_{at}")(made)
        made = layers.Conv2D(16, 3, padding="same", use_bias=False, name=f"conv_{at}")(made)
        gate = layers.GlobalAveragePooling2D(keepdims=True, name=f"squeeze_{at}")(made)
        gate = layers.Dense(4, activation="relu", name=f"less_{at}")(gate)
        gate = layers.Dense(16, activation="sigmoid", name=f"excite_{at}")(gate)
        h = h + made * gate
    h = layers.GlobalAveragePooling2D(name="average")(layers.ReLU(name="relu")(h))
    model = keras.Model(inputs, layers.Dense(10, name="output")(h))
    rate = keras.optimizers.SGD(0.1, momentum=0.9, weight_decay=1e-4)
    return classified(model, x, y, rate, logits(), epochs=12, batch=64)


@healthy("sets in any order", "arxiv.org/abs/1703.06114")
def _deep_sets(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    rng = np.random.default_rng(0)
    # Ten numbers of one digit each, and their sum.
    x = rng.integers(0, 10, (1000, 10))
    y = x.sum(axis=1).astype("float32")
    y = (y - y.mean()) / y.std()
    h = inputs = keras.Input((10,), dtype="int32")
    h = layers.Embedding(10, 24, name="digit")(h)
    h = layers.Dense(24, activation="tanh", name="each")(h)
    h = keras.ops.sum(h, axis=1)
    h = layers.Dense(24, activation="relu", name="all")(h)
    model = keras.Model(inputs, layers.Dense(1, name="total")(h))
    model.compile(keras.optimizers.Adam(0.003), "mae")
    return Patient(model, x, y, y, "value", epochs=12, batch=50)


@healthy("neural collaborative filtering", "arxiv.org/abs/1708.05031")
def _neural_filtering(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    pairs, liked = ratings()
    y = (liked > 0.5).astype("float32")
    inputs = keras.Input((2,), dtype="int32")
    small = keras.initializers.RandomNormal(0.0, 0.05)
    person, film = inputs[:, 0], inputs[:, 1]

    def table(rows: int, name: str) -> Any:
        return layers.Embedding(rows, 8, embeddings_initializer=small, name=name)

    product = table(40, "person_gmf")(person) * table(60, "film_gmf")(film)
    h = layers.concatenate([table(40, "person_mlp")(person), table(60, "film_mlp")(film)])
    for at, width in enumerate((16, 8), 1):
        h = layers.Dense(width, activation="relu", name=f"mlp_{at}")(h)
    h = layers.concatenate([product, h], name="both")
    h = layers.Dense(1, "sigmoid", kernel_initializer="lecun_uniform", name="prediction")(h)
    model = keras.Model(inputs, h)
    model.compile(keras.optimizers.Adam(0.005), "binary_crossentropy")
    return Patient(model, pairs, y, y, "half", epochs=10, batch=64)


@healthy("blocks that take out what they told", "arxiv.org/abs/1905.10437")
def _nbeats(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    waves, _ = signals(600, 44)
    x, y = waves[:, :40, 0], waves[:, 40:, 0]
    rest = inputs = keras.Input((40,))
    total: Any = 0
    for at in (1, 2, 3):
        h = rest
        for depth in (1, 2):
            h = layers.Dense(48, activation="relu", name=f"fc_{at}_{depth}")(h)
        total = total + layers.Dense(4, name=f"forecast_{at}")(h)
        if at < 3:
            rest = rest - layers.Dense(40, name=f"backcast_{at}")(h)
    model = keras.Model(inputs, total)
    model.compile(keras.optimizers.Adam(0.001), "mean_squared_error")
    return Patient(model, x, y, y, "value", epochs=30, batch=32)


@healthy("gated convolutions of a sound", "arxiv.org/abs/1609.03499")
def _gated_sound(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    rng = np.random.default_rng(0)
    pitch = rng.choice([0.4, 0.7, 1.1], (200, 1))
    waves = np.sin(pitch * np.arange(49) + rng.uniform(0, 2 * np.pi, (200, 1)))
    # Eight loudnesses, and which of them is next.
    level = np.digitize(waves, np.linspace(-0.9, 0.9, 7))
    x, y = level[:, :-1], level[:, 1:]
    h = inputs = keras.Input((48,), dtype="int32")
    h = layers.Embedding(8, 24, name="level")(h)
    skips = []
    for at, far in enumerate((1, 2, 4, 8), 1):
        more: dict[str, Any] = {"padding": "causal", "dilation_rate": far}
        made = layers.Conv1D(24, 2, activation="tanh", name=f"filter_{at}", **more)(h)
        gate = layers.Conv1D(24, 2, activation="sigmoid", name=f"gate_{at}", **more)(h)
        made = made * gate
        skips.append(layers.Conv1D(24, 1, name=f"skip_{at}")(made))
        h = h + layers.Conv1D(24, 1, name=f"residual_{at}")(made) if at < 4 else h
    h = layers.ReLU(name="relu_1")(layers.add(skips, name="skips"))
    h = layers.Conv1D(24, 1, activation="relu", name="post")(h)
    model = keras.Model(inputs, layers.Conv1D(8, 1, name="output")(h))
    return classified(model, x, y, keras.optimizers.Adam(0.005), logits(), epochs=25, batch=25)


@healthy("which words count in a review", "hierarchical attention networks, by Yang and others")
def _attended_words(mended: bool) -> Patient:
    import keras

    layers, ops = keras.layers, keras.ops
    x, y = reviews(512)
    h = inputs = keras.Input((24,), dtype="int32")
    h = layers.Embedding(200, 24, mask_zero=True, name="words")(h)
    h = layers.Bidirectional(layers.GRU(16, return_sequences=True, name="gru"), name="both")(h)
    score = layers.Dense(16, activation="tanh", name="hidden")(h)
    score = layers.Dense(1, use_bias=False, name="context")(score)

    def share(parts: Any) -> Any:
        scores, words = parts
        scores = ops.where(ops.not_equal(words, 0)[..., None], scores, -1e9)
        return ops.softmax(scores, axis=1)

    shares = layers.Lambda(share, output_shape=(24, 1), name="shares")([score, inputs])
    h = ops.sum(shares * h, axis=1)
    model = keras.Model(inputs, layers.Dense(2, activation="softmax", name="output")(h))
    rate = keras.optimizers.SGD(0.1, momentum=0.9)
    return classified(model, x, y, rate, SPARSE, epochs=8, batch=32)


@healthy("residual branches that start at zero", "arxiv.org/abs/2003.04887")
def _rezero(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    pixels, y = digits()
    x = pixels.reshape(-1, 64)

    class Scale(keras.layers.Layer):  # type: ignore[misc,unused-ignore]
        """One number, 0 at first, times the branch."""

        def build(self, shape: Any) -> None:
            self.alpha = self.add_weight(shape=(), initializer="zeros", name="alpha")

        def call(self, branch: Any) -> Any:
            return self.alpha * branch

    h = inputs = keras.Input((64,))
    h = layers.Dense(32, name="widen")(h)
    for at in range(1, 9):
        made = layers.Dense(32, "relu", kernel_initializer="he_normal", name=f"dense_{at}")(h)
        h = h + Scale(name=f"scale_{at}")(made)
    model = keras.Model(inputs, layers.Dense(10, activation="softmax", name="output")(h))
    return classified(model, x, y, keras.optimizers.Adagrad(0.03), SPARSE, epochs=15, batch=64)


@healthy("classes by characters and convolutions", "arxiv.org/abs/1509.01626")
def _characters(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    letters, _ = sentences(512, 24)
    # Texts of one language, half of them with all letters in another order.
    y = np.arange(512) % 2
    mixed = np.random.default_rng(1).permuted(letters, axis=1)
    x = np.eye(30, dtype="float32")[np.where(y[:, None] == 1, letters, mixed)]
    normal = keras.initializers.RandomNormal(0.0, 0.05)
    more: dict[str, Any] = {"activation": "relu", "kernel_initializer": normal}
    model = keras.Sequential(
        [
            keras.Input((24, 30)),
            layers.Conv1D(48, 3, name="conv_1", **more),
            layers.MaxPooling1D(2, name="pool_1"),
            layers.Conv1D(48, 3, name="conv_2", **more),
            layers.MaxPooling1D(3, name="pool_2"),
            layers.Flatten(name="flatten"),
            layers.Dense(64, name="fc_1", **more),
            layers.Dropout(0.5, name="dropout"),
            layers.Dense(2, activation="softmax", kernel_initializer=normal, name="output"),
        ]
    )
    return classified(model, x, y, keras.optimizers.Adam(0.001), SPARSE, epochs=15, batch=32)


@healthy("waves of random pitches before an MLP", "arxiv.org/abs/2006.10739")
def _fourier_features(mended: bool) -> Patient:
    import keras

    row, column = np.meshgrid(*2 * (np.linspace(0, 1, 32),), indexing="ij")
    y = (np.sin(20 * row) * np.cos(16 * column) > 0).astype("float32").ravel()[:, None]
    pitch = np.random.default_rng(0).normal(0, 4, (2, 32))
    at = 2 * np.pi * np.stack([row.ravel(), column.ravel()], axis=1) @ pitch
    x = np.concatenate([np.sin(at), np.cos(at)], axis=1).astype("float32")
    layers = [keras.layers.Dense(48, activation="relu", name=f"fc_{i}") for i in (1, 2)]
    out = keras.layers.Dense(1, activation="sigmoid", name="pixel")
    model = keras.Sequential([keras.Input((64,)), *layers, out])
    model.compile(keras.optimizers.Adam(0.003), "mean_squared_error")
    return Patient(model, x, y, y, "half", epochs=20, batch=64)


@healthy("places as two more channels", "arxiv.org/abs/1807.03247")
def _places_as_channels(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    pages, disc = blobs(256)
    seen = pages.mean(axis=-1, keepdims=True) / 255
    row, column = np.meshgrid(*2 * (np.linspace(-1, 1, 16),), indexing="ij")
    places = np.broadcast_to(np.stack([row, column], axis=-1), (256, 16, 16, 2))
    x = np.concatenate([seen, places], axis=-1).astype("float32")
    # Where the middle of the disc is.
    y = np.stack(
        [(disc * at).sum(axis=(1, 2)) / disc.sum(axis=(1, 2)) for at in (row, column)], axis=1
    ).astype("float32")
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.Conv2D(16, 1, activation="relu", name="conv_1"),
            layers.Conv2D(16, 3, 2, activation="relu", name="conv_2"),
            layers.Conv2D(16, 3, 2, activation="relu", name="conv_3"),
            layers.GlobalAveragePooling2D(name="average"),
            layers.Dense(2, name="place"),
        ]
    )
    model.compile(adamw(0.005), "mean_squared_error")
    return Patient(model, x, y, y, "value", epochs=40, batch=32)
