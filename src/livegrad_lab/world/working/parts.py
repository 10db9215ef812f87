"""The data that the working models are trained on, and the layers that several of them share."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad._checks import Array
from livegrad_lab.faults.case import Patient


def digits(times: int = 1) -> tuple[Array, Array]:
    """Return scanned digits in 0..1, shape (rows, height, width, 1), and their classes."""
    from sklearn.datasets import load_digits

    data = load_digits()
    x = np.kron(data.images, np.ones((times, times)))[..., None] / 16
    return x.astype("float32"), data.target


def pictures(n: int = 512, size: int = 16, kinds: int = 4) -> tuple[Array, Array]:
    """Return colour pictures in 0..255, shape (n, size, size, 3): stripes of several directions."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, kinds, n)  # (n,)
    row, column = np.meshgrid(*2 * (np.arange(size),), indexing="ij")
    turn = np.pi * y[:, None, None] / kinds  # (n, 1, 1)
    along = row * np.sin(turn) + column * np.cos(turn)  # (n, size, size)
    wave = np.sin(0.9 * along + rng.uniform(0, 2 * np.pi, (n, 1, 1)))[..., None]
    colour = rng.uniform(0.4, 1, (n, 1, 1, 3))
    x = 128 + 80 * wave * colour + 20 * rng.standard_normal((n, size, size, 3))
    return x.clip(0, 255).round().astype("float32"), y


def blobs(n: int = 256, size: int = 16) -> tuple[Array, Array]:
    """Return pictures of a bright disc in 0..255, (n, size, size, 3), and the disc, 0 or 1."""
    rng = np.random.default_rng(0)
    row, column = np.meshgrid(*2 * (np.arange(size),), indexing="ij")
    middle = rng.uniform(0.25 * size, 0.75 * size, (2, n, 1, 1))
    away = np.hypot(row - middle[0], column - middle[1])  # (n, size, size)
    disc = (away < rng.uniform(0.15, 0.3, (n, 1, 1)) * size).astype("int32")
    tint = rng.uniform(60, 120, (n, 1, 1, 3))
    x = tint + 90 * disc[..., None] + 15 * rng.standard_normal((n, size, size, 3))
    return x.clip(0, 255).round().astype("float32"), disc


def reviews(n: int = 512, length: int = 24, words: int = 200) -> tuple[Array, Array]:
    """Return numbers of words, zeros in front, shape (n, length), and if they praise, (n,).

    The commonest words say nothing; of the rest, the even ones praise and the odd ones do not.
    """
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, n)  # (n,)
    x = np.zeros((n, length), "int32")
    for line, praise in zip(x, y, strict=True):
        size = rng.integers(length // 2, length + 1)
        said = 2 * rng.integers(20, words // 2, size) + (
            rng.random(size) < 0.15 + 0.7 * (1 - praise)
        )
        line[-size:] = np.where(rng.random(size) < 0.5, said, 1 + rng.zipf(1.6, size) % 39)
    return x, y


def sentences(n: int = 512, length: int = 16, words: int = 30) -> tuple[Array, Array]:
    """Return word numbers and the word that follows each, shape (n, length).

    After most words one other is nearly certain, so a model of the language has much to learn.
    """
    rng = np.random.default_rng(0)
    after = rng.permutation(words)
    text = np.zeros((n, length + 1), "int32")
    text[:, 0] = rng.integers(0, words, n)
    for at in range(length):
        stray = rng.random(n) < 0.08
        text[:, at + 1] = np.where(stray, rng.integers(0, words, n), after[text[:, at]])
    return text[:, :-1], text[:, 1:]


def signals(n: int = 512, length: int = 64, kinds: int = 2) -> tuple[Array, Array]:
    """Return series, each with mean 0 and deviation 1, shape (n, length, 1): tones in noise."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, kinds, n)  # (n,)
    rate = (0.35 + 0.3 * y)[:, None] * rng.uniform(0.93, 1.07, (n, 1))
    x = np.sin(rate * np.arange(length) + rng.uniform(0, 2 * np.pi, (n, 1)))
    x = x + 0.4 * rng.standard_normal((n, length))
    x = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    return x[..., None].astype("float32"), y


def households(n: int = 1024) -> tuple[Array, Array, Array]:
    """Return three numbers, three categories (of 5, 7 and 4) and a yes or no of each of n."""
    rng = np.random.default_rng(0)
    numbers = rng.standard_normal((n, 3)).astype("float32")
    kinds = rng.integers(0, (5, 7, 4), (n, 3)).astype("int32")
    liking = rng.permutation(np.linspace(-2, 2, 7))
    score = numbers[:, 0] + liking[kinds[:, 1]] + 1.5 * (kinds[:, 0] == kinds[:, 2])
    return numbers, kinds, (score > np.median(score)).astype("float32")


def ratings(n: int = 4096, people: int = 40, films: int = 60) -> tuple[Array, Array]:
    """Return pairs of a person and a film, shape (n, 2), and ratings in 0..1 by shared tastes."""
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, (people, films), (n, 2)).astype("int32")
    taste, theme = rng.standard_normal((people, 3)), rng.standard_normal((films, 3))
    fame = rng.standard_normal(films)
    liked = (taste[pairs[:, 0]] * theme[pairs[:, 1]]).sum(axis=1) + fame[pairs[:, 1]]
    return pairs, (1 / (1 + np.exp(-liked))).astype("float32")


def standardized(x: Array) -> Array:
    """Return the columns with mean 0 and deviation 1."""
    scaled: Array = ((x - x.mean(axis=0)) / x.std(axis=0)).astype("float32")
    return scaled


def onehot(y: Array, kinds: int) -> Array:
    """Return rows of the identity."""
    return np.eye(kinds, dtype="float32")[y]


def logits(**more: Any) -> Any:
    """Return the cross-entropy of classes with logits."""
    import keras

    return keras.losses.SparseCategoricalCrossentropy(from_logits=True, **more)


def adamw(rate: float = 0.001, decay: float = 1e-4) -> Any:
    """Return Adam with decoupled weight decay."""
    import keras

    return keras.optimizers.AdamW(learning_rate=rate, weight_decay=decay)


def positions(h: Any, name: str = "positions") -> Any:
    """Return the sequence plus a learned vector for each position."""
    import keras

    class Positions(keras.layers.Layer):  # type: ignore[misc,unused-ignore]
        def build(self, shape: Any) -> None:
            self.table = keras.layers.Embedding(shape[1], shape[2], name="table")
            self.table.build(None)

        def call(self, x: Any) -> Any:
            return x + self.table(keras.ops.arange(x.shape[1]))

    return Positions(name=name)(h)


def patches(x: Any, size: int) -> Any:
    """Return the squares of the pictures as a sequence, shape (rows, squares, values)."""
    import keras

    side, channels = x.shape[1] // size, x.shape[3]
    h = keras.layers.Reshape((side, size, side, size * channels), name="cut")(x)
    h = keras.layers.Permute((1, 3, 2, 4), name="turn")(h)
    return keras.layers.Reshape((side * side, size * size * channels), name="patches")(h)


def normalized(x: Array, inputs: Any) -> Any:
    """Return the inputs by the mean and the variance of the training data."""
    import keras

    layer = keras.layers.Normalization(name="normalize")
    layer.adapt(x)
    return layer(inputs)


def after_norm(h: Any, heads: int, size: int, width: int, at: int = 1, **attention: Any) -> Any:
    """Return a transformer block that normalises each sum, with dropout of a tenth."""
    import keras

    layers = keras.layers
    seen = layers.MultiHeadAttention(heads, size, name=f"attention_{at}")(h, h, **attention)
    seen = layers.Dropout(0.1, name=f"drop_seen_{at}")(seen)
    h = layers.LayerNormalization(epsilon=1e-6, name=f"norm_seen_{at}")(h + seen)
    made = layers.Dense(width, activation="relu", name=f"up_{at}")(h)
    made = layers.Dense(h.shape[-1], name=f"down_{at}")(made)
    made = layers.Dropout(0.1, name=f"drop_made_{at}")(made)
    return layers.LayerNormalization(epsilon=1e-6, name=f"norm_made_{at}")(h + made)


def classified(model: Any, x: Any, y: Array, optimizer: Any, loss: Any, **more: Any) -> Patient:
    """Compile for classes and return the patient; one-hot labels where the loss takes them."""
    model.compile(optimizer, loss, metrics=["accuracy"])
    name = loss if isinstance(loss, str) else type(loss).__name__
    sparse = name.lower().startswith("sparse")
    target = y if sparse else onehot(y, model.output_shape[-1])
    return Patient(model, x, target, y, "class", **more)
