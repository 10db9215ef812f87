"""The data that the published programs are rebuilt on, and the two lines that most of them end in.

The sets use MNIST and CIFAR for pictures; the digits of scikit-learn stand in for both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad._checks import Array
from livegrad_lab.faults.case import Patient


def digits(rows: int = 1797, high: float = 1.0, pictures: bool = False) -> tuple[Array, Array]:
    """Return digits with pixels from 0 to ``high``, flat or (rows, 8, 8, 1), and their classes."""
    from sklearn.datasets import load_digits

    data = load_digits()
    x = (data.data[:rows] * (high / 16)).astype("float32")  # (rows, 64)
    return x.reshape(-1, 8, 8, 1) if pictures else x, data.target[:rows]


def wine() -> tuple[Array, Array]:
    """Return wines as measured, of shape (rows, features), and the classes."""
    from sklearn.datasets import load_wine

    data = load_wine()
    return data.data.astype("float32"), data.target


def blobs() -> tuple[Array, Array]:
    """Return points in the plane, shape (600, 2), around three centres that overlap a little."""
    from sklearn.datasets import make_blobs

    x, y = make_blobs(600, centers=3, n_features=2, cluster_std=2, random_state=2)
    return x.astype("float32"), y


def circles() -> tuple[Array, Array]:
    """Return points in the plane, shape (600, 2), and on which of two circles each is."""
    from sklearn.datasets import make_circles

    x, y = make_circles(600, noise=0.1, factor=0.5, random_state=1)
    return x.astype("float32"), y.astype("float32")


def exclusive_or() -> tuple[Array, Array]:
    """Return the four pairs of bits, and whether they differ."""
    x = np.array([[1, 1], [1, 0], [0, 0], [0, 1]], "float32")
    return x, np.array([0, 1, 0, 1], "float32")


def bits() -> Array:
    """Return all numbers of eight bits, shape (256, 8)."""
    return ((np.arange(256)[:, None] >> np.arange(8)) & 1).astype("float32")


def scaled(x: Array) -> Array:
    """Return each column with mean 0 and deviation 1."""
    z: Array = ((x - x.mean(axis=0)) / x.std(axis=0)).astype("float32")
    return z


def one_hot(y: Array) -> Array:
    """Return a column for each class."""
    return np.eye(y.max() + 1, dtype="float32")[y]


def compiled(
    model: Any, x: Any, y: Any, loss: Any, optimizer: Any, truth: Array, read: str, **more: Any
) -> Patient:
    """Compile, and return the patient."""
    model.compile(optimizer, loss)
    return Patient(model, x, y, truth, read, **more)


def momentum(rate: float) -> Any:
    """Return the descent with Nesterov momentum that many of the programs share."""
    import keras

    return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
