"""Pairs, clouds, volumes, bags and layers of one's own, after the code examples at keras.io."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient
from livegrad_lab.world.case import healthy
from livegrad_lab.world.working.parts import classified, digits, logits, onehot


@healthy("twins with a contrastive loss", "keras.io/examples/vision/siamese_contrastive")
def _contrastive_twins(mended: bool) -> Patient:
    import keras

    layers, ops = keras.layers, keras.ops
    x, y = digits(2)
    rng = np.random.default_rng(0)
    left = rng.integers(0, len(x), 1024)
    same = np.arange(1024) % 2 == 1
    right = [rng.choice(np.flatnonzero((y == y[a]) == s)) for a, s in zip(left, same, strict=True)]
    alike = (y[left] == y[right]).astype("float32")  # (1024,)
    one = keras.Input(x.shape[1:])
    h = layers.BatchNormalization(name="norm_pixels")(one)
    for at, width in enumerate((4, 16), 1):
        h = layers.Conv2D(width, 5 - 2 * (at - 1), activation="tanh", name=f"conv_{at}")(h)
        h = layers.AveragePooling2D(2, name=f"pool_{at}")(h)
    h = layers.BatchNormalization(name="norm_flat")(layers.Flatten(name="flat")(h))
    twin = keras.Model(one, layers.Dense(10, activation="tanh", name="code")(h), name="twin")
    inputs = [keras.Input(x.shape[1:], name=name) for name in ("first", "second")]
    a, b = (twin(part) for part in inputs)
    away = ops.sum(ops.square(a - b), axis=1, keepdims=True)
    away = ops.sqrt(ops.maximum(away, keras.config.epsilon()))
    away = layers.BatchNormalization(name="norm_away")(away)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="output")(away))

    def contrastive(true: Any, seen: Any) -> Any:
        near, far = ops.square(seen), ops.square(ops.maximum(1 - seen, 0))
        return ops.mean((1 - true) * near + true * far)

    model.compile("rmsprop", contrastive, metrics=["accuracy"])
    return Patient(model, [x[left], x[right]], alike[:, None], alike, "half", epochs=20, batch=16)


@healthy("cloud of points", "keras.io/examples/vision/pointnet")
def _cloud(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 384)  # ball, cube, stick, plate
    round_ = rng.standard_normal((384, 48, 3))
    round_ /= np.linalg.norm(round_, axis=-1, keepdims=True)
    square = rng.uniform(-1, 1, (384, 48, 3))
    sizes = np.array([[1, 1, 1], [1, 1, 1], [0.2, 0.2, 1], [1, 1, 0.2]])[y][:, None]
    x = (np.where(y[:, None, None] == 0, round_, square) * sizes).astype("float32")

    def settled(h: Any, layer: Any) -> Any:
        h = layers.BatchNormalization(momentum=0.0, name=f"norm_{layer.name}")(layer(h))
        return layers.Activation("relu", name=f"relu_{layer.name}")(h)

    def turned(h: Any, name: str) -> Any:
        """Return the points times a matrix that a small network of them starts at the identity."""
        size = h.shape[-1]
        seen = settled(h, layers.Conv1D(32, 1, name=f"{name}_conv"))
        seen = layers.GlobalMaxPooling1D(name=f"{name}_max")(seen)
        seen = settled(seen, layers.Dense(16, name=f"{name}_dense"))
        seen = layers.Dense(
            size * size,
            kernel_initializer="zeros",
            bias_initializer=lambda shape, dtype=None: keras.ops.reshape(
                keras.ops.eye(size, dtype=dtype), shape
            ),
            name=f"{name}_matrix",
        )(seen)
        seen = layers.Reshape((size, size), name=f"{name}_square")(seen)
        return layers.Dot(axes=(2, 1), name=f"{name}_turn")([h, seen])

    inputs = keras.Input(x.shape[1:])
    h = settled(turned(inputs, "points"), layers.Conv1D(16, 1, name="conv_1"))
    h = settled(turned(h, "features"), layers.Conv1D(32, 1, name="conv_2"))
    h = layers.GlobalMaxPooling1D(name="max")(settled(h, layers.Conv1D(64, 1, name="conv_3")))
    for at, width in enumerate((32, 16), 1):
        h = settled(h, layers.Dense(width, name=f"dense_{at}"))
        h = layers.Dropout(0.3, name=f"drop_{at}")(h)
    model = keras.Model(inputs, layers.Dense(4, activation="softmax", name="output")(h))
    optimizer = keras.optimizers.Adam(0.001)
    return classified(
        model, x, y, optimizer, "sparse_categorical_crossentropy", epochs=40, batch=32
    )


@healthy("volumes", "keras.io/examples/vision/3D_image_classification")
def _volumes(mended: bool) -> Patient:
    import keras

    layers = keras.layers
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 192)
    x = rng.uniform(0, 0.4, (192, 12, 12, 12, 1)).astype("float32")
    for scan in np.flatnonzero(y):
        a, b, c = rng.integers(1, 7, 3)
        x[scan, a : a + 5, b : b + 5, c : c + 5] += 0.5
    h = inputs = keras.Input(x.shape[1:])
    for at, width in enumerate((8, 16), 1):
        h = layers.Conv3D(width, 3, activation="relu", name=f"conv_{at}")(h)
        h = layers.MaxPooling3D(name=f"pool_{at}")(h)
        h = layers.BatchNormalization(name=f"norm_{at}")(h)
    h = layers.Dense(32, activation="relu", name="dense")(layers.Flatten(name="flat")(h))
    h = layers.Dropout(0.3, name="drop")(h)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="output")(h))
    rate = keras.optimizers.schedules.ExponentialDecay(1e-4, 100000, 0.96, staircase=True)
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["acc"])
    return Patient(model, x, y.astype("float32"), y, "half", epochs=15, batch=4)


@healthy("bags of digits", "keras.io/examples/vision/attention_mil_classification")
def _bags(mended: bool) -> Patient:
    import keras

    layers, ops = keras.layers, keras.ops
    pixels, kinds = digits()
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 512)
    others, ones = np.flatnonzero(kinds != 1), np.flatnonzero(kinds == 1)
    chosen = rng.choice(others, (512, 3))
    chosen[np.arange(512), rng.integers(0, 3, 512)] = np.where(
        y == 1, rng.choice(ones, 512), chosen[:, 0]
    )

    class Attention(keras.layers.Layer):  # type: ignore[misc,unused-ignore]
        """Weights of the instances, which add up to 1, from a gated layer."""

        def build(self, shapes: Any) -> None:
            penalty = keras.regularizers.L2(0.01)
            size = {"v": (shapes[0][1], 32), "u": (shapes[0][1], 32), "w": (32, 1)}
            self.parts = [
                self.add_weight(shape=s, name=n, initializer="glorot_uniform", regularizer=penalty)
                for n, s in size.items()
            ]

        def call(self, instances: Any) -> Any:
            v, u, w = self.parts
            seen = ops.stack(instances)  # (3, rows, features)
            gated = ops.tanh(ops.matmul(seen, v)) * ops.sigmoid(ops.matmul(seen, u))
            weights = ops.softmax(ops.matmul(gated, w), axis=0)
            return [weights[at] for at in range(len(instances))]

        def compute_output_shape(self, shapes: Any) -> Any:
            return [(shape[0], 1) for shape in shapes]

    inputs = [keras.Input((8, 8, 1), name=f"instance_{at}") for at in range(3)]
    flat = layers.Flatten(name="flat")
    first = layers.Dense(64, activation="relu", name="dense_1")
    second = layers.Dense(32, activation="relu", name="dense_2")
    codes = [second(first(flat(part))) for part in inputs]
    weights = Attention(name="alpha")(codes)
    seen = [layers.multiply(pair) for pair in zip(weights, codes, strict=True)]
    h = layers.concatenate(seen, axis=1, name="together")
    model = keras.Model(inputs, layers.Dense(2, activation="softmax", name="output")(h))
    x = [pixels[chosen[:, at]] for at in range(3)]
    return classified(model, x, y, "adam", "sparse_categorical_crossentropy", epochs=6, batch=4)


@healthy("both halves of a rectifier", "keras.io/examples/keras_recipes/antirectifier")
def _antirectifier(mended: bool) -> Patient:
    import keras

    layers, ops = keras.layers, keras.ops
    pixels, y = digits()
    x = pixels.reshape(len(y), 64)

    class Antirectifier(keras.layers.Layer):  # type: ignore[misc,unused-ignore]
        """The positive and the negative part, each by its own weights."""

        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight(
                shape=(2 * shape[-1], shape[-1]), initializer="he_normal", name="kernel"
            )

        def call(self, x: Any) -> Any:
            x = x - ops.mean(x, axis=-1, keepdims=True)
            both = ops.concatenate([ops.relu(x), ops.relu(-x)], axis=-1)
            return ops.matmul(both, self.kernel)

    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(64, name="dense_1"),
            Antirectifier(name="both_1"),
            layers.Dense(64, name="dense_2"),
            Antirectifier(name="both_2"),
            layers.Dropout(0.5, name="drop"),
            layers.Dense(10, name="output"),
        ]
    )
    return classified(model, x, y, keras.optimizers.RMSprop(), logits(), epochs=10, batch=128)


@healthy("almost a support vector machine", "keras.io/examples/keras_recipes/quasi_svm")
def _almost_svm(mended: bool) -> Patient:
    import keras

    layers, ops = keras.layers, keras.ops
    pixels, y = digits()
    x = pixels.reshape(len(y), 64)
    scale = 3.0  # of the kernel; the example's pictures are twelve times as many pixels

    class Fourier(keras.layers.Layer):  # type: ignore[misc,unused-ignore]
        """Cosines of fixed random directions, for a Gaussian kernel."""

        def build(self, shape: Any) -> None:
            normal = keras.initializers.RandomNormal(stddev=1 / scale)
            phase = keras.initializers.RandomUniform(0, 2 * np.pi)
            self.turn = self.add_weight(
                shape=(shape[-1], 512), initializer=normal, trainable=False, name="turn"
            )
            self.phase = self.add_weight(
                shape=(512,), initializer=phase, trainable=False, name="phase"
            )

        def call(self, x: Any) -> Any:
            return np.sqrt(2 / 512) * ops.cos(ops.matmul(x, self.turn) + self.phase)

    model = keras.Sequential(
        [keras.Input((64,)), Fourier(name="fourier"), layers.Dense(10, name="output")]
    )
    model.compile(
        keras.optimizers.Adam(1e-3),
        keras.losses.hinge,
        metrics=[keras.metrics.CategoricalAccuracy(name="acc")],
    )
    return Patient(model, x, onehot(y, 10), y, "class", epochs=40, batch=32)
