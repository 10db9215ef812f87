"""The data that the questions are rebuilt on, and how most of them are compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad._checks import Array
from livegrad_lab.faults.case import Patient
from livegrad_lab.faults.models import adam


def digits(rows: int = 600) -> tuple[Array, Array]:
    """Return handwritten digits between 0 and 1, shape (rows, pixels), and their classes."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return (x[:rows] / 16).astype("float32"), y[:rows]


def pictures(rows: int = 400) -> tuple[Array, Array]:
    """Return the digits as pictures, shape (rows, 8, 8, 1), and their classes."""
    x, y = digits(rows)
    return x.reshape(-1, 8, 8, 1), y


def enlarged(rows: int = 500, times: int = 3) -> tuple[Array, Array]:
    """Return digits of times * 8 pixels a side, 0 to 255, in one row each, and their classes."""
    x, y = pictures(rows)
    large = x[..., 0].repeat(times, axis=1).repeat(times, axis=2)  # (rows, 8 times, 8 times)
    return (255 * large.reshape(len(x), -1)).astype("float32"), y


def scaled(x: Array) -> Array:
    """Return columns of mean 0 and standard deviation 1."""
    return np.asarray((x - x.mean(axis=0)) / x.std(axis=0), dtype="float32")


def cancer() -> tuple[Array, Array]:
    """Return measurements of tumours, standardised, shape (rows, features), and 0/1 labels."""
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    return scaled(x), y.astype("float32")


def diabetes() -> tuple[Array, Array]:
    """Return measurements of patients, standardised, shape (rows, features), and their progress."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    return scaled(x), scaled(y)


def iris() -> tuple[Array, Array]:
    """Return lengths in centimetres, shape (rows, features), and the classes."""
    from sklearn.datasets import load_iris

    x, y = load_iris(return_X_y=True)
    return x.astype("float32"), y


def one_hot(y: Array, classes: int) -> Array:
    """Return one column a class."""
    return np.eye(classes, dtype="float32")[y]


def many_classes(model: Any, x: Any, y: Array, optimizer: Any = None, **more: Any) -> Patient:
    """Compile for class numbers and a softmax."""
    model.compile(optimizer or adam(), "sparse_categorical_crossentropy")
    return Patient(model, x, y, y, "class", **more)


def measurements(model: Any, x: Any, y: Array, optimizer: Any = None, **more: Any) -> Patient:
    """Compile for measurements and a linear output."""
    model.compile(optimizer or adam(), "mean_squared_error")
    return Patient(model, x, y, y, "value", **more)
