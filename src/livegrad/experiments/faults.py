"""The doctor on trial: models that are well, models with one planted fault, and what it finds.

Each case builds a small model with its data. A fault is built twice, as it is and mended by the
line that the doctor suggests, and trained both ways. ``trial`` runs one case, for ``sweep``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["CASES", "Case", "Patient", "trial"]

Array = np.ndarray[Any, Any]


@dataclass
class Patient:
    """A compiled model with its data.

    Attributes:
        model: the compiled Keras model.
        x: inputs.
        y: labels, as the loss takes them.
        truth: what a prediction is scored against: classes, 0/1 labels or measurements.
        read: how the output is read: "class" by the largest, "half" or "zero" by the threshold,
            "value" as it is.
        epochs: of training.
    """

    model: Any
    x: Any
    y: Any
    truth: Array
    read: str
    epochs: int = 30

    def score(self) -> float:
        """Return the share of what knowing nothing leaves open: 0 for that, 1 for all right."""
        output = self.model(self.x, training=False)
        if isinstance(output, list):
            output = output[0]
        output = np.asarray(output, dtype="float64")
        if not np.isfinite(output).all():
            return 0.0
        truth = np.asarray(self.truth, dtype="float64")
        if self.read == "value":
            rest = np.mean((output.reshape(truth.shape) - truth) ** 2)
            return float(1 - rest / np.mean((truth - truth.mean(axis=0)) ** 2))
        if self.read == "class":
            right = np.mean(output.argmax(axis=-1) == truth)
            most = np.unique(truth, return_counts=True)[1].max() / truth.size
        else:
            limit = 0.5 if self.read == "half" else 0.0
            right = np.mean((output.reshape(truth.shape) > limit) == (truth > 0.5))
            most = max(np.mean(truth > 0.5), np.mean(truth <= 0.5))
        return float((right - most) / (1 - most))

    def train(self) -> float:
        """Train and return the score; 0 where the loss refuses the labels."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self._steps()
            except Exception:
                return 0.0
            return self.score()

    def _steps(self, batch: int = 64) -> None:
        """Take the steps that ``fit`` would take, in one compiled loop: a sixth of its time."""
        import keras
        import tensorflow as tf

        model, variables = self.model, self.model.trainable_variables
        data = keras.tree.map_structure(tf.convert_to_tensor, (self.x, self.y))
        rows = len(keras.tree.flatten(self.y)[0])
        rng = np.random.default_rng(0)
        order = np.concatenate([rng.permutation(rows) for _ in range(self.epochs)])
        batches = tf.constant(order[: len(order) // batch * batch].reshape(-1, batch))
        # Both make variables at their first use, which a loop must not.
        model.optimizer.build(variables)
        x, y = keras.tree.map_structure(lambda part: part[:batch], data)
        model.compute_loss(x, y, model(x, training=False))

        def step(at: Any) -> list[Any]:
            x, y = keras.tree.map_structure(lambda part: tf.gather(part, batches[at]), data)
            with tf.GradientTape() as tape:
                loss = model.compute_loss(x, y, model(x, training=True), training=True)
                scaled = model.optimizer.scale_loss(loss)
            if variables:
                model.optimizer.apply(tape.gradient(scaled, variables), variables)
            return [at + 1]

        @tf.function(autograph=False)  # type: ignore[untyped-decorator,unused-ignore]
        def run() -> None:
            tf.while_loop(lambda at: at < len(batches), step, [tf.constant(0)])

        run()


@dataclass(frozen=True)
class Case:
    """One case of the catalogue.

    Attributes:
        name: what is planted, or what the healthy model is.
        build: makes the patient; with True mended as the doctor suggests.
        code: the finding that is expected; "" for a healthy model.
        layer: the layer it is expected at.
        fix: the part of the suggested line that the mended patient applies.
    """

    name: str
    build: Callable[[bool], Patient]
    code: str = ""
    layer: str = ""
    fix: str = ""


CASES: dict[str, Case] = {}
"""All cases by name, the healthy ones first."""

_Build = Callable[[bool], Patient]


def _healthy(name: str) -> Callable[[_Build], _Build]:
    def add(build: _Build) -> _Build:
        CASES[name] = Case(name, build)
        return build

    return add


def _fault(name: str, code: str, layer: str, fix: str) -> Callable[[_Build], _Build]:
    def add(build: _Build) -> _Build:
        CASES[name] = Case(name, build, code, layer, fix)
        return build

    return add


def trial(name: str, seed: int = 0) -> dict[str, Any]:
    """Run one case: examine, train, and for a fault mend and train once more.

    Args:
        name: a key of ``CASES``.
        seed: of the weights and of the order of the batches.

    Returns:
        ``found``: (code, layer) of each finding; ``evidence``: of the expected finding, else "";
        ``applied``: whether the suggested line is the one that mends; ``before`` and ``after``: the
        scores (of a healthy model ``before`` alone).
    """
    import keras
    import tensorflow as tf

    from livegrad.doctor import examine

    # Each case compiles its own loop, and TensorFlow would warn of that.
    tf.get_logger().setLevel("ERROR")
    case = CASES[name]
    keras.utils.set_random_seed(seed)
    patient = case.build(False)
    report = examine(patient.model, patient.x, patient.y)
    named = [f for f in report.findings if (f.code, f.layer) == (case.code, case.layer)]
    row: dict[str, Any] = {
        "found": [(f.code, f.layer) for f in report.findings],
        "evidence": named[0].evidence if named else "",
        "applied": bool(named) and case.fix in named[0].fix,
        "before": patient.train(),
    }
    if case.code:
        keras.utils.set_random_seed(seed)
        row["after"] = case.build(True).train()
    keras.backend.clear_session()
    return row


# Data ---------------------------------------------------------------------------------------


def _points(n: int = 256, features: int = 8) -> Array:
    return np.random.default_rng(0).standard_normal((n, features)).astype("float32")


def _binary() -> tuple[Array, Array]:
    x = _points()  # (256, 8)
    return x, (x[:, 0] + x[:, 1] > 0).astype("float32")


def _classes() -> tuple[Array, Array]:
    x = _points()  # (256, 8)
    return x, x[:, :3].argmax(axis=1)


def _measured() -> tuple[Array, Array]:
    x = _points()  # (256, 8)
    return x, 2 * x[:, 0] - x[:, 1] + 0.5 * np.abs(x[:, 2])


def _corners() -> tuple[Array, Array]:
    """No line tells these apart."""
    x = _points(features=2)  # (256, 2)
    return x, (x[:, 0] * x[:, 1] > 0).astype("float32")


def _images() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((256, 8, 8, 1)).astype("float32")
    y = rng.integers(0, 2, 256)  # (256,)
    x[:, :4, :4, 0] += 1.5 * y[:, None, None]
    return x, y.astype("float32")


def _series() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((256, 10, 3)).astype("float32")
    return x, (x[:, -3:, 0].sum(axis=1) > 0).astype("float32")


def _words() -> tuple[Array, Array]:
    x = np.random.default_rng(0).integers(0, 20, (256, 6))
    return x, ((x < 10).sum(axis=1) > 2).astype("float32")


# Models -------------------------------------------------------------------------------------


def _net(
    x: Array,
    depth: int = 3,
    activation: str | None = "relu",
    initializer: Any = "he_normal",
    out: int = 1,
    end: str | None = "sigmoid",
    width: int = 32,
    **hidden: Any,
) -> Any:
    """Return dense layers named hidden_1, hidden_2, ... and output."""
    import keras

    layers = [
        keras.layers.Dense(
            width,
            activation=activation,
            kernel_initializer=initializer,
            name=f"hidden_{at}",
            **hidden,
        )
        for at in range(1, depth + 1)
    ]
    last = keras.layers.Dense(out, activation=end, name="output")
    return keras.Sequential([keras.Input(x.shape[1:]), *layers, last])


def _stack(x: Array, *layers: Any) -> Any:
    import keras

    return keras.Sequential([keras.Input(x.shape[1:]), *layers])


def _dense(units: int, activation: str | None, name: str, **more: Any) -> Any:
    import keras

    if activation == "relu":
        more.setdefault("kernel_initializer", "he_normal")
    return keras.layers.Dense(units, activation=activation, name=name, **more)


def _adam(rate: float = 0.003) -> Any:
    import keras

    return keras.optimizers.Adam(rate)


def _sgd(rate: float = 0.05) -> Any:
    import keras

    return keras.optimizers.SGD(rate)


def _two_classes(model: Any, x: Array, y: Array, optimizer: Any = None, **more: Any) -> Patient:
    model.compile(optimizer or _adam(), "binary_crossentropy")
    return Patient(model, x, y, y, "half", **more)


# Healthy ------------------------------------------------------------------------------------


@_healthy("fifty ReLU layers, he_normal")
def _(mended: bool) -> Patient:
    x, y = _binary()
    return _two_classes(_net(x, 50), x, y, _adam(0.001))


@_healthy("residual blocks with layer normalisation")
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    return _two_classes(_residual(x, 8, keras.layers.LayerNormalization), x, y, epochs=15)


def _residual(x: Array, blocks: int, before: Any) -> Any:
    import keras

    inputs = keras.Input(x.shape[1:])
    h = _dense(64, None, "widen")(inputs)
    for at in range(1, blocks + 1):
        branch = before(name=f"norm_{at}")(h) if before else h
        branch = _dense(64, "relu", f"up_{at}")(branch)
        h = keras.layers.add([h, _dense(64, None, f"down_{at}")(branch)], name=f"add_{at}")
    h = before(name="norm")(h) if before else h
    return keras.Model(inputs, _dense(1, "sigmoid", "output")(h))


@_healthy("SELU with lecun_normal, ten layers")
def _(mended: bool) -> Patient:
    x, y = _binary()
    return _two_classes(_net(x, 10, "selu", "lecun_normal"), x, y)


@_healthy("LSTM")
def _(mended: bool) -> Patient:
    import keras

    x, y = _series()
    model = _stack(x, keras.layers.LSTM(16, name="lstm"), _dense(1, "sigmoid", "output"))
    return _two_classes(model, x, y, _adam(0.02))


@_healthy("embedding and GRU")
def _(mended: bool) -> Patient:
    import keras

    x, y = _words()
    model = _stack(
        x,
        keras.layers.Embedding(20, 8, name="embedding"),
        keras.layers.GRU(16, name="gru"),
        _dense(1, "sigmoid", "output"),
    )
    return _two_classes(model, x, y, _adam(0.02))


@_healthy("softmax classifier")
def _(mended: bool) -> Patient:
    x, y = _classes()
    model = _net(x, 2, out=3, end="softmax")
    model.compile(_adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return Patient(model, x, y, y, "class")


@_healthy("softmax regression on one-hot labels")
def _(mended: bool) -> Patient:
    x, y = _classes()
    model = _net(x, 0, out=3, end="softmax")
    model.compile(_adam(0.05), "categorical_crossentropy")
    return Patient(model, x, np.eye(3, dtype="float32")[y], y, "class")


@_healthy("linear regression")
def _(mended: bool) -> Patient:
    x, y = _measured()
    model = _net(x, 0, end=None)
    model.compile(_sgd(0.1), "mean_squared_error", metrics=["mean_absolute_error"])
    return Patient(model, x, y, y, "value")


@_healthy("logistic regression on logits")
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    model = _net(x, 0, end=None)
    model.compile(
        _sgd(0.5),
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)],
    )
    return Patient(model, x, y, y, "zero")


@_healthy("regression with tanh")
def _(mended: bool) -> Patient:
    x, y = _measured()
    model = _net(x, 2, "tanh", "glorot_uniform", end=None)
    model.compile(_adam(0.01), "mean_squared_error")
    return Patient(model, x, y, y, "value")


@_healthy("counts with an exponential output")
def _(mended: bool) -> Patient:
    x, _ = _binary()
    y = np.random.default_rng(1).poisson(np.exp(x[:, 0])).astype("float32")
    model = _net(x, 1, end="exponential")
    model.compile(_adam(0.01), "poisson")
    return Patient(model, x, y, np.exp(x[:, 0]), "value")


@_healthy("several labels at once")
def _(mended: bool) -> Patient:
    x, _ = _binary()
    y = (x[:, :3] > 0).astype("float32")
    model = _net(x, 1, out=3)
    model.compile(_adam(0.01), "binary_crossentropy", metrics=["binary_accuracy"])
    return Patient(model, x, y, y, "half")


@_healthy("convolutions with batch normalisation")
def _(mended: bool) -> Patient:
    import keras

    x, y = _images()
    model = _stack(
        x,
        keras.layers.Conv2D(8, 3, use_bias=False, kernel_initializer="he_normal", name="conv_1"),
        keras.layers.BatchNormalization(name="norm"),
        keras.layers.ReLU(name="relu"),
        keras.layers.MaxPooling2D(name="pool"),
        keras.layers.Conv2D(8, 2, activation="relu", kernel_initializer="he_normal", name="conv_2"),
        keras.layers.GlobalAveragePooling2D(name="average"),
        _dense(1, "sigmoid", "output"),
    )
    return _two_classes(model, x, y, _adam(0.01))


@_healthy("dropout of one half between wide layers")
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    layers: list[Any] = []
    for at in (1, 2):
        layers += [_dense(64, "relu", f"hidden_{at}"), keras.layers.Dropout(0.5)]
    return _two_classes(_stack(x, *layers, _dense(1, "sigmoid", "output")), x, y)


@_healthy("autoencoder with a linear bottleneck")
def _(mended: bool) -> Patient:
    x = _points() @ np.random.default_rng(1).standard_normal((8, 12)).astype("float32") / 3
    model = _stack(x, _dense(8, None, "code"), _dense(12, None, "output"))
    model.compile(_adam(0.02), "mean_squared_error")
    return Patient(model, x, x, x, "value")


@_healthy("two inputs, two outputs, nested")
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    words, _ = _words()
    inner = keras.Sequential([keras.Input((8,)), _dense(16, "relu", "inner")], name="nested")
    a, b = keras.Input((8,), name="a"), keras.Input((6,), dtype="int32", name="b")
    flat = keras.layers.Flatten()(keras.layers.Embedding(20, 4)(b))
    h = keras.layers.concatenate([inner(a), flat])
    h = _dense(16, "relu", "joint")(h)
    outputs = [_dense(1, "sigmoid", "sign")(h), _dense(1, None, "size")(h)]
    model = keras.Model([a, b], outputs)
    model.compile(_adam(0.01), ["binary_crossentropy", "mean_squared_error"])
    return Patient(model, [x, words], [y, x[:, 0]], y, "half")


@_healthy("self-attention block")
def _(mended: bool) -> Patient:
    import keras

    x, y = _series()
    inputs = keras.Input(x.shape[1:])
    h = _dense(16, None, "project")(inputs)
    seen = keras.layers.LayerNormalization()(h)
    h = keras.layers.add([h, keras.layers.MultiHeadAttention(2, 8, name="attention")(seen, seen)])
    h = _dense(16, "gelu", "mix")(keras.layers.LayerNormalization()(h))
    h = keras.layers.Flatten()(h)
    return _two_classes(keras.Model(inputs, _dense(1, "sigmoid", "output")(h)), x, y, _adam(0.01))


@_healthy("mixed precision")
def _(mended: bool) -> Patient:
    x, y = _binary()
    model = _net(x, 3, dtype="mixed_float16")
    return _two_classes(model, x, y, _adam(0.01))


@_healthy("a trained base, frozen, under a new head")
def _(mended: bool) -> Patient:
    x, y = _binary()
    model = _net(x, 2)
    _two_classes(model, x, y, _adam(0.01), epochs=10).train()
    for layer in model.layers[:-1]:
        layer.trainable = False
    return _two_classes(model, x, y, _adam(0.01))


@_healthy("a model at the end of its training")
def _(mended: bool) -> Patient:
    x, y = _binary()
    patient = _two_classes(_net(x, 3), x, y, _adam(0.01), epochs=20)
    patient.train()
    return patient


# Gradients through depth ---------------------------------------------------------------------


@_fault(
    "ten sigmoid layers",
    "vanishing-gradient",
    "hidden_1",
    'activation="relu", kernel_initializer="he_normal"',
)
def _(mended: bool) -> Patient:
    x, y = _binary()
    kind = ("relu", "he_normal") if mended else ("sigmoid", "glorot_uniform")
    return _two_classes(_net(x, 10, *kind), x, y)


@_fault(
    "six convolutions with sigmoid",
    "vanishing-gradient",
    "conv_1",
    'activation="relu", kernel_initializer="he_normal"',
)
def _(mended: bool) -> Patient:
    import keras

    x, y = _images()
    kind = ("relu", "he_normal") if mended else ("sigmoid", "glorot_uniform")
    layers = [
        keras.layers.Conv2D(
            8,
            3,
            padding="same",
            activation=kind[0],
            kernel_initializer=kind[1],
            name=f"conv_{at}",
        )
        for at in range(1, 7)
    ]
    model = _stack(x, *layers, keras.layers.Flatten(), _dense(1, "sigmoid", "output"))
    return _two_classes(model, x, y, epochs=15)


@_fault(
    "thirty residual blocks without normalisation",
    "exploding-gradient",
    "up_1",
    "keras.layers.LayerNormalization()",
)
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    model = _residual(x, 30, keras.layers.LayerNormalization if mended else None)
    return _two_classes(model, x, y, _sgd(0.02), epochs=15)


@_fault(
    "weights four times too large after some training",
    "exploding-gradient",
    "hidden_2",
    'kernel_initializer="he_normal"',
)
def _(mended: bool) -> Patient:
    x, y = _binary()
    model = _net(x, 5)
    if not mended:
        for layer in model.layers[:-1]:
            layer.kernel.assign(4 * layer.kernel)
            layer.bias.assign(layer.bias + 0.01)
    return _two_classes(model, x, y, _sgd())


@_fault(
    "the output's weights a thousandth after some training",
    "vanishing-gradient",
    "output",
    'keras.layers.Dense(..., kernel_initializer="glorot_uniform")',
)
def _(mended: bool) -> Patient:
    x, y = _binary()
    model = _net(x, 5)
    if not mended:
        last = model.layers[-1]
        last.kernel.assign(1e-3 * last.kernel)
        last.bias.assign(last.bias + 0.01)
    return _two_classes(model, x, y, _sgd())


def _first_kernel_times(factor: float, mended: bool) -> Patient:
    x, y = _binary()
    model = _net(x, 5)
    if not mended:
        first = model.layers[0]
        first.kernel.assign(factor * first.kernel)
        # No initializer has drawn it so.
        first.bias.assign(first.bias + 0.01 * factor)
    return _two_classes(model, x, y, _sgd())


@_fault(
    "the first layer's weights a thousandth after some training",
    "vanishing-signal",
    "hidden_1",
    'kernel_initializer="he_normal"',
)
def _(mended: bool) -> Patient:
    return _first_kernel_times(1e-3, mended)


@_fault(
    "the first layer's weights ten thousand times too large after some training",
    "exploding-signal",
    "hidden_1",
    'kernel_initializer="he_normal"',
)
def _(mended: bool) -> Patient:
    return _first_kernel_times(1e4, mended)


@_fault(
    "thirty ReLU layers with glorot_uniform",
    "initializer-mismatch",
    "hidden_2",
    'kernel_initializer="he_normal"',
)
def _(mended: bool) -> Patient:
    x, y = _binary()
    model = _net(x, 30, "relu", "he_normal" if mended else "glorot_uniform")
    return _two_classes(model, x, y, _sgd(), epochs=20)


@_fault(
    "first weights too small",
    "initializer-mismatch",
    "hidden_2",
    'kernel_initializer="he_normal"',
)
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    model = _net(x, 4)
    if not mended:
        model = _net(x, 4, "relu", "random_normal", width=32)
        for layer in model.layers[:-1]:
            small = keras.initializers.RandomNormal(stddev=0.01)
            layer.kernel_initializer = small
            layer.kernel.assign(small(layer.kernel.shape))
    return _two_classes(model, x, y, _sgd())


@_fault(
    "first weights too large",
    "initializer-mismatch",
    "hidden_2",
    'kernel_initializer="he_normal"',
)
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    layers = [
        _dense(
            32,
            "relu",
            f"hidden_{at}",
            kernel_initializer="he_normal"
            if mended
            else keras.initializers.RandomNormal(stddev=2.0, seed=at),
        )
        for at in range(1, 5)
    ]
    return _two_classes(_stack(x, *layers, _dense(1, "sigmoid", "output")), x, y, _sgd())


@_fault(
    "one layer of five too small",
    "initializer-mismatch",
    "hidden_3",
    'kernel_initializer="he_normal"',
)
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    small = "he_normal" if mended else keras.initializers.RandomNormal(stddev=1e-4)
    layers = [
        _dense(32, "relu", f"hidden_{at}", kernel_initializer=small if at == 3 else "he_normal")
        for at in range(1, 6)
    ]
    return _two_classes(_stack(x, *layers, _dense(1, "sigmoid", "output")), x, y, _sgd())


# Numbers, units, symmetry --------------------------------------------------------------------


@_fault("a weight is NaN", "non-finite", "hidden_2", "kernel.assign(keras.initializers")
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    model = _net(x, 3)
    kernel = model.layers[1].kernel
    broken = np.asarray(kernel)
    broken[0, 0] = np.nan
    kernel.assign(broken)
    if mended:
        kernel.assign(keras.initializers.GlorotUniform()((32, 32)))
    return _two_classes(model, x, y)


@_fault("a logarithm of 0", "non-finite", "log", "keras.ops.maximum(x, keras.config.epsilon())")
def _(mended: bool) -> Patient:
    import keras

    class Log(keras.layers.Layer):  # type: ignore[misc,unused-ignore]
        def call(self, x: Any) -> Any:
            return keras.ops.log(keras.ops.maximum(x, keras.config.epsilon()) if mended else x)

    x, y = _binary()
    model = _stack(
        x,
        _dense(32, "softplus", "hidden_1"),
        keras.layers.ReLU(threshold=0.5, name="cut"),
        Log(name="log"),
        _dense(1, "sigmoid", "output"),
    )
    return _two_classes(model, x, y)


@_fault(
    "activations beyond the largest number",
    "non-finite",
    "hidden_2",
    'kernel_initializer="he_normal"',
)
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    huge = keras.initializers.RandomNormal(stddev=1e25, seed=1)
    layers = [
        _dense(32, "relu", f"hidden_{at}", kernel_initializer="he_normal" if mended else huge)
        for at in (1, 2)
    ]
    return _two_classes(_stack(x, *layers, _dense(1, "sigmoid", "output")), x, y)


@_fault("all units born dead", "dead-units", "hidden_1", 'bias_initializer="zeros"')
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    bias = "zeros" if mended else keras.initializers.Constant(-10.0)
    return _two_classes(_net(x, 2, bias_initializer=bias), x, y)


@_fault("a layer within dies", "dead-units", "hidden_3", 'bias_initializer="zeros"')
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    low = "zeros" if mended else keras.initializers.Constant(-20.0)
    layers = [
        _dense(32, "relu", f"hidden_{at}", bias_initializer=low if at == 3 else "zeros")
        for at in range(1, 5)
    ]
    return _two_classes(_stack(x, *layers, _dense(1, "sigmoid", "output")), x, y)


@_fault("tanh far out by its bias", "saturated-units", "hidden_2", 'bias_initializer="zeros"')
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    far = "zeros" if mended else keras.initializers.Constant(10.0)
    layers = [
        _dense(32, "tanh", f"hidden_{at}", bias_initializer=far if at == 2 else "zeros")
        for at in (1, 2)
    ]
    return _two_classes(_stack(x, *layers, _dense(1, "sigmoid", "output")), x, y)


@_fault(
    "eight tanh layers with weights too large",
    "saturated-units",
    "hidden_1",
    'kernel_initializer="glorot_uniform"',
)
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    layers = [
        _dense(
            32,
            "tanh",
            f"hidden_{at}",
            kernel_initializer="glorot_uniform"
            if mended
            else keras.initializers.RandomNormal(stddev=2.0, seed=at),
        )
        for at in range(1, 9)
    ]
    return _two_classes(_stack(x, *layers, _dense(1, "sigmoid", "output")), x, y, epochs=20)


@_fault("all weights zero", "symmetric-weights", "hidden_1", 'kernel_initializer="he_normal"')
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    model = _net(x, 3, "relu", "he_normal" if mended else "zeros")
    if not mended:
        model.layers[-1].kernel.assign(keras.ops.zeros((32, 1)))
    return _two_classes(model, x, y)


@_fault("all weights equal", "symmetric-weights", "hidden_1", 'kernel_initializer="glorot_uniform"')
def _(mended: bool) -> Patient:
    import keras

    x, y = _corners()
    model = _net(x, 2, "tanh", "glorot_uniform")
    if not mended:
        for layer in model.layers:
            layer.kernel.assign(keras.ops.full(layer.kernel.shape, 0.1))
    return _two_classes(model, x, y, _adam(0.02))


@_fault(
    "one initializer instance in eight layers",
    "identical-kernels",
    "hidden_3",
    'kernel_initializer="he_normal"',
)
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    shared = "he_normal" if mended else keras.initializers.HeNormal()
    return _two_classes(_net(x, 8, "relu", shared), x, y, _sgd())


# Output, loss, labels, metrics ---------------------------------------------------------------


@_fault(
    "linear output with cross-entropy of probabilities",
    "output-loss-mismatch",
    "output",
    "BinaryCrossentropy(from_logits=True)",
)
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    model = _net(x, 2, end=None)
    loss = keras.losses.BinaryCrossentropy(from_logits=mended)
    model.compile(_adam(), loss)
    return Patient(model, x, y, y, "zero" if mended else "half")


@_fault(
    "softmax over one unit",
    "output-loss-mismatch",
    "output",
    'keras.layers.Dense(1, activation="sigmoid")',
)
def _(mended: bool) -> Patient:
    x, y = _binary()
    return _two_classes(_net(x, 2, end="sigmoid" if mended else "softmax"), x, y)


@_fault(
    "sigmoid units with a loss over classes",
    "output-loss-mismatch",
    "output",
    'keras.layers.Dense(3, activation="softmax")',
)
def _(mended: bool) -> Patient:
    x, y = _classes()
    model = _net(x, 2, out=3, end="softmax" if mended else "sigmoid")
    model.compile(_adam(), "sparse_categorical_crossentropy")
    return Patient(model, x, y, y, "class")


@_fault(
    "softmax taken for logits",
    "output-loss-mismatch",
    "output",
    "keras.layers.Dense(3)",
)
def _(mended: bool) -> Patient:
    import keras

    x, y = _classes()
    model = _net(x, 2, out=3, end=None if mended else "softmax")
    model.compile(_adam(), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return Patient(model, x, y, y, "class")


@_fault(
    "squared error of a sigmoid on 0/1 labels",
    "output-loss-mismatch",
    "output",
    'loss="binary_crossentropy"',
)
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    model = _net(x, 1, end="sigmoid")
    # Surely wrong at the start, as after a bad step: the factor p (1 - p) keeps it there.
    model.layers[-1].bias.assign(keras.ops.full((1,), 9.0))
    model.compile(_sgd(0.1), "binary_crossentropy" if mended else "mean_squared_error")
    return Patient(model, x, y, y, "half")


@_fault(
    "measurements through a sigmoid",
    "output-loss-mismatch",
    "output",
    "keras.layers.Dense(1)",
)
def _(mended: bool) -> Patient:
    x, y = _measured()
    model = _net(x, 2, end=None if mended else "sigmoid")
    model.compile(_adam(0.01), "mean_squared_error")
    return Patient(model, x, y, y, "value")


@_fault(
    "targets below the range of ReLU",
    "output-loss-mismatch",
    "output",
    "keras.layers.Dense(1)",
)
def _(mended: bool) -> Patient:
    x, y = _measured()
    y = y - 3
    model = _net(x, 2, end=None if mended else "relu")
    model.compile(_adam(0.01), "mean_squared_error")
    return Patient(model, x, y, y, "value")


@_fault(
    "counts from a linear output",
    "output-loss-mismatch",
    "output",
    'keras.layers.Dense(1, activation="exponential")',
)
def _(mended: bool) -> Patient:
    x = _points()
    y = np.random.default_rng(1).poisson(np.exp(x[:, 0])).astype("float32")
    model = _net(x, 1, end="exponential" if mended else None)
    model.compile(_adam(0.01), "poisson")
    return Patient(model, x, y, np.exp(x[:, 0]), "value")


@_fault(
    "binary cross-entropy of a softmax",
    "output-loss-mismatch",
    "output",
    'loss="categorical_crossentropy"',
)
def _(mended: bool) -> Patient:
    x, y = _classes()
    model = _net(x, 2, out=3, end="softmax")
    model.compile(_adam(), "categorical_crossentropy" if mended else "binary_crossentropy")
    return Patient(model, x, np.eye(3, dtype="float32")[y], y, "class")


@_fault("classes numbered from 1", "label-mismatch", "data", "y = y - 1")
def _(mended: bool) -> Patient:
    x, y = _classes()
    model = _net(x, 2, out=3, end="softmax")
    model.compile(_adam(), "sparse_categorical_crossentropy")
    return Patient(model, x, y if mended else y + 1, y, "class")


@_fault(
    "one-hot labels for the sparse loss",
    "label-mismatch",
    "data",
    'loss="categorical_crossentropy"',
)
def _(mended: bool) -> Patient:
    x, y = _classes()
    model = _net(x, 2, out=3, end="softmax")
    model.compile(_adam(), f"{'' if mended else 'sparse_'}categorical_crossentropy")
    return Patient(model, x, np.eye(3, dtype="float32")[y], y, "class")


@_fault(
    "class numbers for the one-hot loss",
    "label-mismatch",
    "data",
    'loss="sparse_categorical_crossentropy"',
)
def _(mended: bool) -> Patient:
    x, y = _classes()
    model = _net(x, 2, out=3, end="softmax")
    model.compile(_adam(), f"{'sparse_' if mended else ''}categorical_crossentropy")
    return Patient(model, x, y, y, "class")


@_fault("labels -1 and 1 with cross-entropy", "label-mismatch", "data", "y = (y + 1) / 2")
def _(mended: bool) -> Patient:
    x, y = _binary()
    patient = _two_classes(_net(x, 2), x, y)
    patient.y = y if mended else 2 * y - 1
    return patient


@_fault("labels 0 and 1 with hinge", "label-mismatch", "data", "y = 2 * y - 1")
def _(mended: bool) -> Patient:
    x, y = _binary()
    model = _net(x, 2, end=None)
    model.compile(_adam(), "hinge")
    return Patient(model, x, 2 * y - 1 if mended else y, y, "zero")


@_fault(
    "class numbers against three columns",
    "label-mismatch",
    "data",
    'keras.layers.Dense(3, activation="softmax"); loss="sparse_categorical_crossentropy"',
)
def _(mended: bool) -> Patient:
    x, y = _classes()
    model = _net(x, 2, out=3, end="softmax" if mended else None)
    model.compile(_adam(), "sparse_categorical_crossentropy" if mended else "mean_squared_error")
    return Patient(model, x, y, y, "class")


@_fault("accuracy of a regression", "metric-mismatch", "output", 'metrics=["mean_absolute_error"]')
def _(mended: bool) -> Patient:
    x, y = _measured()
    model = _net(x, 1, end=None)
    model.compile(
        _adam(0.01),
        "mean_squared_error",
        metrics=["mean_absolute_error" if mended else "accuracy"],
    )
    return Patient(model, x, y, y, "value")


@_fault(
    "accuracy at one half on logits",
    "metric-mismatch",
    "output",
    "BinaryAccuracy(threshold=0.0)",
)
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    model = _net(x, 1, end=None)
    metric = keras.metrics.BinaryAccuracy(threshold=0.0) if mended else "accuracy"
    model.compile(_adam(0.01), keras.losses.BinaryCrossentropy(from_logits=True), metrics=[metric])
    return Patient(model, x, y, y, "zero")


# Data, steps, architecture -------------------------------------------------------------------


@_fault("pixels from 0 to 255", "unscaled-input", "hidden_1", "Rescaling(1 / 127.5, offset=-1)")
def _(mended: bool) -> Patient:
    import keras

    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (256, 16)).astype("float32")
    y = (x[:, 0] > x[:, 1]).astype("float32")
    layers = [_dense(32, "relu", f"hidden_{at}") for at in (1, 2)]
    if mended:
        layers.insert(0, keras.layers.Rescaling(1 / 127.5, offset=-1))
    return _two_classes(_stack(x, *layers, _dense(1, "sigmoid", "output")), x, y, _sgd(0.1))


@_fault("one feature in the thousands", "unscaled-input", "hidden_1", "Normalization()")
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    x = x * np.array([1, 1, 3000, 1, 1, 1, 1, 1], "float32")
    layers = [_dense(32, "tanh", f"hidden_{at}") for at in (1, 2)]
    if mended:
        scale = keras.layers.Normalization()
        scale.adapt(x)
        layers.insert(0, scale)
    return _two_classes(_stack(x, *layers, _dense(1, "sigmoid", "output")), x, y, _sgd(0.1))


@_fault("inputs a ten-thousandth", "unscaled-input", "hidden_1", "Normalization()")
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    x = x * np.float32(1e-4)
    layers = [_dense(32, "tanh", f"hidden_{at}") for at in (1, 2)]
    if mended:
        scale = keras.layers.Normalization()
        scale.adapt(x)
        layers.insert(0, scale)
    return _two_classes(_stack(x, *layers, _dense(1, "sigmoid", "output")), x, y, _sgd(0.1))


@_fault("SGD's rate too high", "learning-rate", "optimizer", "model.optimizer.learning_rate = ")
def _(mended: bool) -> Patient:
    x, y = _measured()
    model = _net(x, 2, end=None)
    model.compile(_sgd(0.05 if mended else 5.0), "mean_squared_error")
    return _rate(Patient(model, x, y, y, "value"), mended, 5.0)


@_fault("Adam's rate too high", "learning-rate", "optimizer", "model.optimizer.learning_rate = ")
def _(mended: bool) -> Patient:
    x, y = _measured()
    model = _net(x, 4, end=None)
    model.compile(_adam(3.0), "mean_squared_error")
    return _rate(Patient(model, x, y, y, "value"), mended, 3.0)


@_fault("the rate far too low", "learning-rate", "optimizer", "model.optimizer.learning_rate = ")
def _(mended: bool) -> Patient:
    x, y = _measured()
    model = _net(x, 2, end=None)
    model.compile(_sgd(1e-8), "mean_squared_error")
    return _rate(Patient(model, x, y, y, "value"), mended, 1e-8)


def _rate(patient: Patient, mended: bool, rate: float) -> Patient:
    """Set the very rate that the doctor names, where it is to be mended."""
    from livegrad.doctor import examine

    patient.model.optimizer.learning_rate = rate
    if mended:
        found = examine(patient.model, patient.x, patient.y).findings[0]
        patient.model.optimizer.learning_rate = float(found.fix.rpartition("=")[2])
    return patient


@_fault(
    "softmax between layers",
    "softmax-hidden",
    "hidden_2",
    'keras.layers.Dense(32, activation="relu", kernel_initializer="he_normal")',
)
def _(mended: bool) -> Patient:
    x, y = _binary()
    layers = [
        _dense(32, "softmax" if at == 2 and not mended else "relu", f"hidden_{at}")
        for at in (1, 2, 3)
    ]
    return _two_classes(_stack(x, *layers, _dense(1, "sigmoid", "output")), x, y, _sgd())


@_fault(
    "no activation between layers",
    "no-nonlinearity",
    "hidden_1",
    'activation="relu", kernel_initializer="he_normal"',
)
def _(mended: bool) -> Patient:
    x, y = _corners()
    model = _net(x, 3, "relu" if mended else None, "he_normal" if mended else "glorot_uniform")
    return _two_classes(model, x, y, _adam(0.01))


@_fault("the share kept taken for the rate", "dropout-rate", "mask_1", "keras.layers.Dropout(0.2)")
def _(mended: bool) -> Patient:
    import keras

    x, y = _binary()
    layers: list[Any] = []
    for at in (1, 2, 3):
        rate = 0.2 if mended else 0.95
        layers += [
            _dense(16, "relu", f"hidden_{at}"),
            keras.layers.Dropout(rate, name=f"mask_{at}"),
        ]
    return _two_classes(_stack(x, *layers, _dense(1, "sigmoid", "output")), x, y)


@_fault("dropout on the output", "dropout-rate", "mask", "without mask")
def _(mended: bool) -> Patient:
    import keras

    x, y = _measured()
    layers = [_dense(32, "relu", "hidden_1"), _dense(1, None, "output")]
    if not mended:
        layers.append(keras.layers.Dropout(0.5, name="mask"))
    model = _stack(x, *layers)
    model.compile(_adam(0.01), "mean_squared_error")
    return Patient(model, x, y, y, "value")


@_fault("everything frozen", "frozen", "model", "model.trainable = True")
def _(mended: bool) -> Patient:
    x, y = _binary()
    model = _net(x, 2)
    model.trainable = mended
    return _two_classes(model, x, y)


@_fault("a layer frozen as chance made it", "frozen", "hidden_1", "trainable = True")
def _(mended: bool) -> Patient:
    x, y = _corners()
    model = _net(x, 2, width=4)
    model.layers[0].trainable = mended
    return _two_classes(model, x, y, _adam(0.02))
