"""The data and the models that the cases are built of."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad._checks import Array
from livegrad_lab.faults.case import Patient


def points(n: int = 256, features: int = 8) -> Array:
    """Return standard normal features, shape (n, features)."""
    return np.random.default_rng(0).standard_normal((n, features)).astype("float32")


def binary() -> tuple[Array, Array]:
    """Return points and which side of a plane each is on, shape (256,)."""
    x = points()  # (256, 8)
    return x, (x[:, 0] + x[:, 1] > 0).astype("float32")


def classes() -> tuple[Array, Array]:
    """Return points and which of the first three features is the largest, shape (256,)."""
    x = points()  # (256, 8)
    return x, x[:, :3].argmax(axis=1)


def measured() -> tuple[Array, Array]:
    """Return points and a measurement of each, nearly linear, shape (256,)."""
    x = points()  # (256, 8)
    return x, 2 * x[:, 0] - x[:, 1] + 0.5 * np.abs(x[:, 2])


def corners() -> tuple[Array, Array]:
    """No line tells these apart."""
    x = points(features=2)  # (256, 2)
    return x, (x[:, 0] * x[:, 1] > 0).astype("float32")


def images() -> tuple[Array, Array]:
    """Return noise, shape (256, 8, 8, 1), and whether its upper left corner is brighter."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((256, 8, 8, 1)).astype("float32")
    y = rng.integers(0, 2, 256)  # (256,)
    x[:, :4, :4, 0] += 1.5 * y[:, None, None]
    return x, y.astype("float32")


def series() -> tuple[Array, Array]:
    """Return series, shape (256, 10, 3), and whether the last three steps add up to more than 0."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((256, 10, 3)).astype("float32")
    return x, (x[:, -3:, 0].sum(axis=1) > 0).astype("float32")


def words() -> tuple[Array, Array]:
    """Return word numbers, shape (256, 6), and whether more than two are below 10."""
    x = np.random.default_rng(0).integers(0, 20, (256, 6))
    return x, ((x < 10).sum(axis=1) > 2).astype("float32")


def net(
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


def stack(x: Array, *layers: Any) -> Any:
    """Return the layers in a row."""
    import keras

    return keras.Sequential([keras.Input(x.shape[1:]), *layers])


def dense(units: int, activation: str | None, name: str, **more: Any) -> Any:
    """Return one layer; a ReLU starts from he_normal."""
    import keras

    if activation == "relu":
        more.setdefault("kernel_initializer", "he_normal")
    return keras.layers.Dense(units, activation=activation, name=name, **more)


def adam(rate: float = 0.003) -> Any:
    """Return Adam."""
    import keras

    return keras.optimizers.Adam(rate)


def sgd(rate: float = 0.05) -> Any:
    """Return plain gradient descent."""
    import keras

    return keras.optimizers.SGD(rate)


def two_classes(model: Any, x: Array, y: Array, optimizer: Any = None, **more: Any) -> Patient:
    """Compile for 0/1 labels and a sigmoid."""
    model.compile(optimizer or adam(), "binary_crossentropy")
    return Patient(model, x, y, y, "half", **more)


def residual(x: Array, blocks: int, before: Any) -> Any:
    """Return residual blocks, each behind ``before`` where there is one."""
    import keras

    inputs = keras.Input(x.shape[1:])
    h = dense(64, None, "widen")(inputs)
    for at in range(1, blocks + 1):
        branch = before(name=f"norm_{at}")(h) if before else h
        branch = dense(64, "relu", f"up_{at}")(branch)
        h = keras.layers.add([h, dense(64, None, f"down_{at}")(branch)], name=f"add_{at}")
    h = before(name="norm")(h) if before else h
    return keras.Model(inputs, dense(1, "sigmoid", "output")(h))
