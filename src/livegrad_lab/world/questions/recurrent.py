"""Questions about sequences: padding, memory, word numbers and attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.faults.models import adam, dense, two_classes
from livegrad_lab.world.case import faulty
from livegrad_lab.world.questions.data import iris, many_classes, measurements


@faulty(
    "reviews filled up with zeros behind their end",
    "padding not masked",
    "embedding",
    "lstm",
    "data",
    source="github.com/keras-team/keras-io issue 2044",
)
def _reviews_filled_up_with_zeros_behind_their_end(mended: bool) -> Patient:
    import keras

    rng = np.random.default_rng(0)
    long = rng.integers(4, 10, 300)
    x = rng.integers(1, 40, (300, 70)) * (np.arange(70) < long[:, None])
    y = ((x > 0) & (x < 20)).sum(axis=1) * 2 > long
    model = keras.Sequential(
        [
            keras.Input((70,)),
            keras.layers.Embedding(40, 16, mask_zero=mended, name="embedding"),
            keras.layers.LSTM(16, name="lstm"),
            dense(1, "sigmoid", "output"),
        ]
    )
    return two_classes(model, x, y.astype("float32"), adam(0.01), epochs=15, batch=50)


@faulty(
    "first of a hundred steps decides",
    "memory of a recurrent layer",
    "rnn",
    "data",
    source="Cross Validated 340898",
)
def _first_of_a_hundred_steps_decides(mended: bool) -> Patient:
    import keras

    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 256).astype("float32")
    x = 0.2 * rng.standard_normal((256, 10 if mended else 100, 1)).astype("float32")
    x[:, 0, 0] += 2 * y - 1
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            keras.layers.LSTM(4, name="rnn"),
            dense(1, "sigmoid", "output"),
        ]
    )
    return two_classes(model, x, y, adam(0.02), batch=32)


@faulty(
    "table of books one row too short",
    "index out of range",
    "books",
    "data",
    source="github.com/TannerGilbert/Tutorials issue 1",
)
def _table_of_books_one_row_too_short(mended: bool) -> Patient:
    import keras

    rng = np.random.default_rng(0)
    book, reader = rng.integers(1, 31, 500), rng.integers(1, 21, 500)
    taste, style = rng.standard_normal((31, 2)), rng.standard_normal((21, 2))
    y = (taste[book] * style[reader]).sum(axis=1).astype("float32")
    more = int(mended)
    ids = [keras.Input((1,), name="book"), keras.Input((1,), name="reader")]
    rows = [
        keras.layers.Embedding(30 + more, 5, name="books")(ids[0]),
        keras.layers.Embedding(21, 5, name="readers")(ids[1]),
    ]
    flat = keras.layers.Flatten(name="flatten")(keras.layers.Dot(axes=2, name="dot")(rows))
    model = keras.Model(ids, dense(1, None, "output")(flat))
    data = [book.reshape(-1, 1), reader.reshape(-1, 1)]
    return measurements(model, data, y, adam(0.02), epochs=60, batch=50)


def attending(scale: float, size: int, rate: float) -> Patient:
    """Return a network that finds a marked step of twelve by attention of this scale."""
    import keras

    def shares(pair: Any) -> Any:
        scores = keras.ops.matmul(pair[0], keras.ops.transpose(pair[1], (0, 2, 1)))
        return keras.ops.softmax(scores * scale, axis=-1)

    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 12, 8)).astype("float32")
    x[:, :, 0] = 0
    at = rng.integers(0, 12, 400)
    x[np.arange(400), at, 0] = 2
    y = x[np.arange(400), at, 1]
    inputs = keras.Input((12, 8))
    unit = keras.initializers.RandomNormal(stddev=8**-0.5)
    wide = dense(size, None, "embedding", kernel_initializer=unit)(inputs)
    query, key = dense(size, None, "query")(wide), dense(size, None, "key")(wide)
    value = dense(size, None, "value")(wide)
    weights = keras.layers.Lambda(shares, output_shape=(12, 12), name="weights")([query, key])
    context = keras.layers.Lambda(
        lambda pair: keras.ops.matmul(pair[0], pair[1]), output_shape=(12, size), name="attention"
    )([weights, value])
    flat = keras.layers.GlobalAveragePooling1D(name="pool")(context)
    model = keras.Model(inputs, dense(1, None, "output")(flat))
    return measurements(model, x, y, adam(rate), epochs=30, batch=40)


@faulty(
    "flowers measured in numbers and looked up as words",
    "index out of range",
    "embedding",
    "data",
    source="github.com/keras-team/keras issue 1010",
)
def _flowers_measured_in_numbers_and_looked_up_as_words(mended: bool) -> Patient:
    import keras

    x, y = iris()
    layers = [keras.layers.LSTM(16, name="lstm"), dense(3, "softmax", "output")]
    if mended:
        model = keras.Sequential([keras.Input((4, 1)), *layers])
        return many_classes(model, x[..., None], y, adam(0.02), epochs=40, batch=10)
    words = keras.layers.Embedding(4, 64, name="embedding")
    model = keras.Sequential([keras.Input((4,)), words, *layers])
    return many_classes(model, x, y, adam(0.02), epochs=40, batch=10)


@faulty(
    "scores that are not divided by the root of their length",
    "attention",
    "weights",
    "query",
    "key",
    source="github.com/PAIR-code/tiny-transformers issue 71",
)
def _scores_that_are_not_divided_by_the_root_of_their_length(mended: bool) -> Patient:
    return attending(256**-0.5 if mended else 1.0, 256, 0.001)


@faulty(
    "scores times a scale of zero",
    "attention",
    "weights",
    source="github.com/SKaiNET-developers/SKaiNET pull request 880",
)
def _scores_times_a_scale_of_zero(mended: bool) -> Patient:
    return attending(32**-0.5 if mended else 0.0, 32, 0.005)
