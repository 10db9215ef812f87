"""Models of tables, after the code examples at keras.io."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.world.case import healthy
from livegrad_lab.world.working.parts import (
    adamw,
    classified,
    digits,
    households,
    logits,
    standardized,
)


@healthy(
    "rare fraud with weighted classes",
    "keras.io/examples/structured_data/imbalanced_classification",
)
def _fraud(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    rng = np.random.default_rng(0)
    y = (rng.random(2048) < 0.06).astype("float32")
    x = rng.standard_normal((2048, 12))
    x[:, :4] += 3.0 * y[:, None] * rng.choice([0.6, 1.4], (2048, 4))
    x = standardized(x * rng.uniform(1, 50, 12))
    model = keras.Sequential(
        [
            keras.Input((12,)),
            layers.Dense(64, activation="relu", name="dense_1"),
            layers.Dense(64, activation="relu", name="dense_2"),
            layers.Dropout(0.3, name="drop_2"),
            layers.Dense(64, activation="relu", name="dense_3"),
            layers.Dropout(0.3, name="drop_3"),
            layers.Dense(1, activation="sigmoid", name="output"),
        ]
    )
    rare, usual = 1 / y.sum(), 1 / (1 - y).sum()

    def weighted(true: Any, seen: Any) -> Any:
        """Return the cross-entropy with the weights that the example gives to the classes."""
        each = keras.losses.binary_crossentropy(true, seen)
        return keras.ops.where(true[:, 0] > 0.5, rare, usual) * each

    metrics = [keras.metrics.Precision(name="precision"), keras.metrics.Recall(name="recall")]
    model.compile(keras.optimizers.Adam(1e-2), weighted, metrics=metrics)
    return Patient(model, x, y[:, None], y, "half", batch=512)


@healthy(
    "small classifier of patients",
    "keras.io/examples/structured_data/structured_data_classification_from_scratch",
)
def _patients(mended: bool) -> Patient:
    import keras
    from sklearn.datasets import load_breast_cancer

    layers = keras.layers
    data = load_breast_cancer()
    x, y = data.data[:, :10].astype("float32"), data.target.astype("float32")
    inputs = keras.Input((10,))
    normal = layers.Normalization(name="normalize")
    normal.adapt(x)
    h = layers.Dense(32, activation="relu", name="dense")(normal(inputs))
    h = layers.Dropout(0.5, name="drop")(h)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="output")(h))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return Patient(model, x, y, y, "half", epochs=50, batch=32)


def _columns() -> tuple[Any, Any]:
    """Return the inputs of a household: three numbers, and the numbers of its three categories."""
    import keras

    return keras.Input((3,), name="numbers"), keras.Input((3,), dtype="int32", name="kinds")


def _embedded(kinds: Any, widths: tuple[int, ...]) -> list[Any]:
    """Return a vector for each category."""
    import keras

    return [
        keras.layers.Embedding(size, width, name=f"embedding_{at}")(kinds[:, at])
        for at, (size, width) in enumerate(zip((5, 7, 4), widths, strict=True))
    ]


def _deep(h: Any, width: int = 32, rate: float = 0.1) -> Any:
    """Return two layers, each normalised before its rectifier."""
    import keras

    layers = keras.layers
    for at in (1, 2):
        h = layers.Dense(width, name=f"deep_{at}")(h)
        h = layers.ReLU(name=f"relu_{at}")(layers.BatchNormalization(name=f"norm_{at}")(h))
        h = layers.Dropout(rate, name=f"drop_{at}")(h)
    return h


@healthy("wide and deep", "keras.io/examples/structured_data/wide_deep_cross_networks")
def _wide_and_deep(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    numbers, kinds, y = households()
    given = _columns()
    coded = [
        layers.CategoryEncoding(size, output_mode="one_hot", name=f"one_hot_{at}")(given[1][:, at])
        for at, size in enumerate((5, 7, 4))
    ]
    wide = layers.BatchNormalization(name="norm_wide")(layers.concatenate([given[0], *coded]))
    deep = _deep(layers.concatenate([given[0], *_embedded(given[1], (2, 2, 2))]))
    h = layers.concatenate([wide, deep], name="together")
    model = keras.Model(list(given), layers.Dense(2, activation="softmax", name="output")(h))
    optimizer, loss = keras.optimizers.Adam(0.001), keras.losses.SparseCategoricalCrossentropy()
    return classified(model, [numbers, kinds], y.astype("int32"), optimizer, loss)


@healthy("deep and cross", "keras.io/examples/structured_data/wide_deep_cross_networks (cross)")
def _deep_and_cross(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    numbers, kinds, y = households()
    given = _columns()
    first = layers.concatenate([given[0], *_embedded(given[1], (2, 2, 2))])
    cross = first
    for at in (1, 2):
        cross = first * layers.Dense(first.shape[-1], name=f"cross_{at}")(cross) + cross
    cross = layers.BatchNormalization(name="norm_cross")(cross)
    h = layers.concatenate([cross, _deep(first)], name="together")
    model = keras.Model(list(given), layers.Dense(2, activation="softmax", name="output")(h))
    optimizer, loss = keras.optimizers.Adam(0.001), keras.losses.SparseCategoricalCrossentropy()
    return classified(model, [numbers, kinds], y.astype("int32"), optimizer, loss)


@healthy("chosen variables", "keras.io/examples/structured_data/classification_with_grn_and_vsn")
def _chosen_variables(mended: bool) -> Patient:
    import keras

    layers, ops = keras.layers, keras.ops
    numbers, kinds, y = households()
    given = _columns()

    def gated(h: Any, name: str) -> Any:
        """Return a residual block that a gate can close, 16 wide."""
        made = layers.Dense(16, activation="elu", name=f"{name}_elu")(h)
        made = layers.Dense(16, name=f"{name}_linear")(made)
        made = layers.Dropout(0.15, name=f"{name}_drop")(made)
        gate = layers.Dense(16, activation="sigmoid", name=f"{name}_gate")(made)
        made = layers.Dense(16, name=f"{name}_value")(made) * gate
        if h.shape[-1] != 16:
            h = layers.Dense(16, name=f"{name}_short")(h)
        return layers.LayerNormalization(name=f"{name}_norm")(h + made)

    parts = [layers.Dense(16, name=f"number_{at}")(given[0][:, at : at + 1]) for at in range(3)]
    parts += _embedded(given[1], (16, 16, 16))
    weight = gated(layers.concatenate(parts, name="together"), "all")
    weight = layers.Dense(6, activation="softmax", name="weights")(weight)
    each = ops.stack([gated(part, f"part_{at}") for at, part in enumerate(parts)], axis=1)
    h = ops.sum(weight[..., None] * each, axis=1)
    model = keras.Model(list(given), layers.Dense(1, activation="sigmoid", name="output")(h))
    model.compile(
        keras.optimizers.Adam(0.001),
        keras.losses.BinaryCrossentropy(),
        metrics=[keras.metrics.BinaryAccuracy(name="accuracy")],
    )
    return Patient(model, [numbers, kinds], y, y, "half", epochs=30)


@healthy("transformer of columns", "keras.io/examples/structured_data/tabtransformer")
def _columns_transformer(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    numbers, kinds, y = households()
    given = _columns()

    def mlp(h: Any, widths: tuple[int, ...], activation: str, norm: Any, name: str) -> Any:
        for at, width in enumerate(widths, 1):
            h = norm(name=f"{name}_norm_{at}")(h)
            h = layers.Dense(width, activation=activation, name=f"{name}_{at}")(h)
            h = layers.Dropout(0.2, name=f"{name}_drop_{at}")(h)
        return h

    h = keras.ops.stack(_embedded(given[1], (16, 16, 16)), axis=1)
    for at in (1, 2):
        seen = layers.MultiHeadAttention(4, 16, dropout=0.2, name=f"attention_{at}")(h, h)
        h = layers.Add(name=f"add_seen_{at}")([seen, h])
        h = layers.LayerNormalization(epsilon=1e-6, name=f"norm_seen_{at}")(h)
        made = mlp(h, (16,), "gelu", layers.LayerNormalization, f"made_{at}")
        h = layers.Add(name=f"add_made_{at}")([made, h])
        h = layers.LayerNormalization(epsilon=1e-6, name=f"norm_made_{at}")(h)
    flat = layers.Flatten(name="flat")(h)
    plain = layers.LayerNormalization(epsilon=1e-6, name="norm_numbers")(given[0])
    h = layers.concatenate([flat, plain], name="together")
    h = mlp(h, (2 * h.shape[-1], h.shape[-1]), "selu", layers.BatchNormalization, "head")
    model = keras.Model(list(given), layers.Dense(1, activation="sigmoid", name="output")(h))
    model.compile(
        adamw(0.001, 0.0001),
        keras.losses.BinaryCrossentropy(),
        metrics=[keras.metrics.BinaryAccuracy(name="accuracy")],
    )
    return Patient(model, [numbers, kinds], y, y, "half", epochs=30)


@healthy("quality of wine", "keras.io/examples/keras_recipes/bayesian_neural_networks (baseline)")
def _wine_quality(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    # Measurements in their own units; quality as tasters give it, from 3 to 9.
    rng = np.random.default_rng(0)
    z = rng.standard_normal((2048, 6))
    x = (z * [1, 0.1, 5, 0.02, 40, 1.2] + [7, 0.3, 6, 0.05, 140, 10.5]).astype("float32")
    taste = z[:, 5] - 0.6 * z[:, 1] + 0.4 * np.tanh(z[:, 0]) - 0.2 * z[:, 4]
    y = (5.9 + 0.9 * taste).round().clip(3, 9).astype("float32")
    inputs = keras.Input((6,))
    h = layers.BatchNormalization(name="norm")(inputs)
    for at in (1, 2):
        h = layers.Dense(8, activation="sigmoid", name=f"dense_{at}")(h)
    model = keras.Model(inputs, layers.Dense(1, name="output")(h))
    model.compile(
        keras.optimizers.RMSprop(0.001),
        keras.losses.MeanSquaredError(),
        metrics=[keras.metrics.RootMeanSquaredError()],
    )
    return Patient(model, x, y, y, "value", epochs=150, batch=64)


@healthy("residual classifier of papers", "keras.io/examples/graph/gnn_citations (baseline)")
def _papers(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    # Papers by which words they have; each subject has words of its own.
    rng = np.random.default_rng(0)
    y = rng.integers(0, 7, 512)
    often = rng.choice([0.02, 0.2], (7, 120), p=[0.85, 0.15])
    x = (rng.random((512, 120)) < often[y]).astype("float32")

    def block(h: Any, at: int) -> Any:
        for part in ("a", "b"):
            h = layers.BatchNormalization(name=f"norm_{at}_{part}")(h)
            h = layers.Dropout(0.5, name=f"drop_{at}_{part}")(h)
            h = layers.Dense(32, activation="gelu", name=f"dense_{at}_{part}")(h)
        return h

    inputs = keras.Input((120,), name="words")
    h = block(inputs, 1)
    for at in (2, 3):
        h = layers.Add(name=f"skip_{at}")([h, block(h, at)])
    model = keras.Model(inputs, layers.Dense(7, name="logits")(h))
    return classified(model, x, y, keras.optimizers.Adam(0.01), logits(), epochs=60)


@healthy(
    "forest of soft decisions", "keras.io/examples/structured_data/deep_neural_decision_forests"
)
def _soft_tree(mended: bool) -> Patient:
    import keras

    layers, ops = keras.layers, keras.ops
    pixels, y = digits()
    x = pixels.reshape(len(y), 64)
    rng = np.random.default_rng(0)

    class Tree(keras.layers.Layer):  # type: ignore[misc,unused-ignore]
        """Sigmoids send half the features left or right, to 16 leaves with shares of classes."""

        def build(self, shape: Any) -> None:
            self.used = rng.choice(64, 32, replace=False)
            self.decide = layers.Dense(16, activation="sigmoid", name="decision")
            self.decide.build((None, 32))
            self.leaves = self.add_weight(
                shape=(16, 10), initializer="random_normal", name="leaves"
            )

        def call(self, x: Any) -> Any:
            turn = self.decide(ops.take(x, self.used, axis=1))[..., None]  # (rows, 16, 1)
            both = ops.concatenate([turn, 1 - turn], axis=2)
            reach = ops.ones_like(both[:, :1, :1])
            for level in range(4):
                width = 2**level
                reach = reach * both[:, width : 2 * width]
                reach = ops.reshape(reach, (-1, 2 * width, 1))
            return ops.matmul(reach[..., 0], ops.softmax(self.leaves))

    inputs = keras.Input((64,))
    h = layers.BatchNormalization(name="norm")(inputs)
    trees = [Tree(name=f"tree_{at}")(h) for at in range(4)]
    model = keras.Model(inputs, layers.average(trees, name="output"))
    loss = keras.losses.SparseCategoricalCrossentropy()
    return classified(model, x, y, keras.optimizers.Adam(0.01), loss, epochs=15)
