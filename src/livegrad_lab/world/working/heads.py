"""Common recipes by what they predict: classes, counts, amounts, several labels at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.world.case import healthy
from livegrad_lab.world.working.parts import classified, digits, logits, standardized


@healthy("logistic regression of tumours", "tensorflow.org/guide/core/logistic_regression_core")
def _logistic(mended: bool) -> Patient:
    import keras
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    x, y = standardized(data.data), data.target.astype("float32")
    model = keras.Sequential([keras.Input((30,)), keras.layers.Dense(1, name="output")])
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    metric = keras.metrics.BinaryAccuracy(threshold=0.0)
    model.compile(keras.optimizers.SGD(0.01), loss, metrics=[metric])
    return Patient(model, x, y, y, "zero", epochs=100)


@healthy(
    "softmax regression of digits",
    "d2l.ai/chapter_linear-classification/softmax-regression-concise",
)
def _softmax(mended: bool) -> Patient:
    import keras

    x, y = digits()
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(name="flat"),
            keras.layers.Dense(10, kernel_initializer="random_normal", name="output"),
        ]
    )
    return classified(model, x, y, keras.optimizers.SGD(0.1), logits(), epochs=20)


@healthy("fuel that cars need", "tensorflow.org/tutorials/keras/regression")
def _fuel(mended: bool) -> Patient:
    import keras

    # Miles a gallon as they are, from 9 to 45: the last layer's bias finds their level.
    layers = keras.layers
    rng = np.random.default_rng(0)
    weight = rng.uniform(1600, 5100, 314)
    power = 0.035 * weight + rng.normal(0, 15, 314)
    year = rng.integers(70, 83, 314)
    origin = np.eye(3)[rng.integers(0, 3, 314)]
    x = np.column_stack([weight, power, year, origin]).astype("float32")
    y = 62 - 0.008 * weight - 0.05 * power + 0.7 * (year - 76) + rng.normal(0, 1.5, 314)
    y = np.maximum(9, 8 + np.exp(y / 18)).astype("float32")
    normal = layers.Normalization(name="normalize")
    normal.adapt(x)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            normal,
            layers.Dense(64, activation="relu", name="dense_1"),
            layers.Dense(64, activation="relu", name="dense_2"),
            layers.Dense(1, name="output"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.001), "mean_absolute_error")
    return Patient(model, x, y, y, "value", epochs=100, batch=32)


@healthy("counts by Poisson regression", "keras.io/api/losses/probabilistic_losses (Poisson)")
def _counts(mended: bool) -> Patient:
    import keras

    rng = np.random.default_rng(0)
    x = rng.standard_normal((1024, 6)).astype("float32")
    mean = np.exp(0.5 + x @ [0.6, -0.4, 0.3, 0, 0, 0])
    y = rng.poisson(mean).astype("float32")
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(1, activation="exponential", name="output")]
    )
    model.compile(keras.optimizers.Adam(0.01), "poisson")
    return Patient(model, x, y[:, None], mean[:, None], "value")


@healthy(
    "the median and not the mean",
    "scikit-learn.org/stable/auto_examples/linear_model/plot_quantile_regression",
)
def _median(mended: bool) -> Patient:
    import keras

    ops = keras.ops
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, (1024, 2)).astype("float32")
    middle = np.sin(1.5 * x[:, :1]) + 0.5 * x[:, 1:]
    y = (middle + 0.3 * rng.standard_t(2, (1024, 1))).astype("float32")

    def pinball(true: Any, seen: Any, share: float = 0.5) -> Any:
        return ops.mean(ops.maximum(share * (true - seen), (share - 1) * (true - seen)))

    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(32, activation="relu", name="dense_1"),
            keras.layers.Dense(32, activation="relu", name="dense_2"),
            keras.layers.Dense(1, name="output"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.003), pinball)
    return Patient(model, x, y, middle, "value")


@healthy("support vector machine", "keras.io/api/losses/hinge_losses")
def _svm(mended: bool) -> Patient:
    import keras
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    x, y = standardized(data.data), data.target
    dense = keras.layers.Dense(1, kernel_regularizer=keras.regularizers.L2(0.001), name="output")
    model = keras.Sequential([keras.Input((30,)), dense])
    model.compile(keras.optimizers.SGD(0.01), "hinge")
    return Patient(model, x, (2 * y - 1).astype("float32")[:, None], y, "zero", epochs=50)


@healthy("several subjects of a paper", "keras.io/examples/nlp/multi_label_classification")
def _subjects(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    rng = np.random.default_rng(0)
    y = (rng.random((768, 8)) < 0.25).astype("float32")
    often = rng.gamma(0.3, 1.0, (8, 150))
    count = rng.poisson(0.05 + y @ often)
    x = np.log1p(count) * np.log(768 / (1 + (count > 0).sum(axis=0)))  # rare words weigh more
    model = keras.Sequential(
        [
            keras.Input((150,)),
            layers.Dense(128, activation="relu", name="dense_1"),
            layers.Dense(64, activation="relu", name="dense_2"),
            layers.Dense(8, activation="sigmoid", name="output"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["binary_accuracy"])
    return Patient(model, x.astype("float32"), y, y, "half", epochs=20)


@healthy("rare finds with a focal loss", "arxiv.org/abs/1708.02002")
def _focal(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    rng = np.random.default_rng(0)
    y = (rng.random(2048) < 0.04).astype("float32")
    x = rng.standard_normal((2048, 16)).astype("float32")
    x[:, :6] += 2.5 * y[:, None]
    # The bias starts where one in a hundred is expected, as the paper has it.
    prior = keras.initializers.Constant(-np.log(99))
    model = keras.Sequential(
        [
            keras.Input((16,)),
            layers.Dense(32, activation="relu", kernel_initializer="he_normal", name="dense_1"),
            layers.Dense(32, activation="relu", kernel_initializer="he_normal", name="dense_2"),
            layers.Dense(1, activation="sigmoid", bias_initializer=prior, name="output"),
        ]
    )
    loss = keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.25, gamma=2)
    metrics = [keras.metrics.AUC(curve="PR"), keras.metrics.Recall()]
    model.compile(keras.optimizers.Adam(0.003), loss, metrics=metrics)
    return Patient(model, x, y[:, None], y, "half")


@healthy("a ticket's urgency and its office", "keras.io/guides/functional_api (multiple inputs)")
def _tickets(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    rng = np.random.default_rng(0)
    title, body = rng.integers(1, 60, (768, 5)), rng.integers(1, 60, (768, 12))
    tags = rng.integers(0, 2, (768, 4)).astype("float32")
    urgent = ((body < 10).sum(axis=1) + tags[:, 0] > 2).astype("float32")
    office = (title % 4)[:, :, None] == np.arange(4)
    office = office.sum(axis=1).argmax(axis=1)
    inputs = [
        keras.Input((None,), name="title"),
        keras.Input((None,), name="body"),
        keras.Input((4,), name="tags"),
    ]
    a = layers.LSTM(32, name="lstm_title")(layers.Embedding(60, 16, name="word_title")(inputs[0]))
    b = layers.LSTM(16, name="lstm_body")(layers.Embedding(60, 16, name="word_body")(inputs[1]))
    h = layers.concatenate([a, b, inputs[2]], name="together")
    outputs = [layers.Dense(1, name="priority")(h), layers.Dense(4, name="department")(h)]
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.RMSprop(1e-3),
        [keras.losses.BinaryCrossentropy(from_logits=True), logits()],
        loss_weights=[1.0, 0.2],
    )
    y = [urgent[:, None], office]
    return Patient(model, [title, body, tags], y, urgent, "zero", epochs=30, batch=32)
