"""The sample: rows of the reader's data, as the model's ``fit`` would take them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from livegrad._checks import Array, counted

__all__ = ["Sample", "draw"]


@dataclass(frozen=True)
class Sample:
    """Some rows of the data, and what is known of all of it.

    Attributes:
        x: tensors as the model takes them, nested as given.
        y: labels, nested as given.
        weight: sample weights or None.
        rows: number of examples in the sample.
        labels: all labels that were looked at, flat over the outputs.
        batch: examples a step, where a data set tells.
        total: examples in all, as far as is known.
        bad: what is not finite in the data, "" where all is.
    """

    x: Any
    y: Any
    weight: Any
    rows: int
    labels: list[np.ndarray[Any, Any]]
    batch: int | None = None
    total: int = 0
    bad: str = ""

    def some(self, rows: int | Array) -> Sample:
        """Return a sample of its first rows, or of those at some places."""
        at = np.arange(min(rows, self.rows)) if isinstance(rows, int) else rows
        x, y, weight = keras.tree.map_structure(
            lambda part: None if part is None else keras.ops.take(part, at, axis=0),
            (self.x, self.y, self.weight),
        )
        return replace(self, x=x, y=y, weight=weight, rows=len(at))


def draw(x: Any, y: Any, rows: int) -> Sample:
    """Return up to ``rows`` examples, evenly spaced if arrays, the first ones of a data set.

    Raises:
        ValueError: if there are none, or if they do not fit each other.
    """
    counted(rows, "rows")
    weight, batch, total = None, None, 0
    if y is None:
        x, y, weight, batch, total = _batches(x, rows)
    arrays = [("x", _arrays(x)), ("y", _arrays(y))]
    if weight is not None:
        arrays.append(("sample_weight", _arrays(weight)))
    count, bad = None, ""
    for name, group in arrays:
        for array in keras.tree.flatten(group):
            if array.dtype == object or array.dtype.kind in "USO":
                raise ValueError(f"{name} must hold numbers, got dtype {array.dtype}")
            if array.ndim == 0 or len(array) == 0:
                raise ValueError(
                    f"{name} must hold at least one example, got the shape {array.shape}"
                )
            count = len(array) if count is None else count
            if len(array) != count:
                raise ValueError(
                    f"x and y must have as many examples, got {count} and {len(array)}"
                )
            bad = bad or _not_finite(name, array)
    assert count is not None
    at = np.unique(np.linspace(0, count - 1, min(rows, count)).astype(int))  # (rows,)

    def some(group: Any, convert: Callable[[Any], Any]) -> Any:
        return keras.tree.map_structure(lambda array: convert(array[at]), group)

    labels = keras.tree.flatten(arrays[1][1])
    weights = None if weight is None else some(arrays[2][1], _tensor)
    x, y = some(arrays[0][1], _tensor), some(arrays[1][1], _tensor)
    total = count if batch is None else total
    return Sample(x, y, weights, len(at), labels, batch, total, bad)


def _arrays(group: Any) -> Any:
    """Return the group with NumPy arrays for leaves; a list of numbers is one array."""
    if isinstance(group, list | tuple) and not any(hasattr(part, "shape") for part in group):
        return np.asarray(group)
    return keras.tree.map_structure(
        lambda array: np.asarray(array) if array is not None else array, group
    )


def _tensor(array: np.ndarray[Any, Any]) -> Any:
    """Return a tensor; floating numbers in Keras's usual precision, as ``fit`` does."""
    floating = array.dtype.kind == "f"
    return keras.ops.convert_to_tensor(array, dtype=keras.config.floatx() if floating else None)


def _batches(data: Any, rows: int) -> tuple[Any, Any, Any, int, int]:
    """Return the first batches of a data set, together at least ``rows`` examples if it has."""
    if _is_array(data) or not (hasattr(data, "__iter__") or hasattr(data, "__getitem__")):
        raise ValueError("y must be given with arrays; only a data set brings its own labels")
    whole = data
    if isinstance(data, keras.utils.PyDataset):
        whole = (data[at] for at in range(data.num_batches or 0))
    batches: list[tuple[Any, ...]] = []
    seen = 0
    for batch in whole:
        if not isinstance(batch, tuple) or len(batch) not in (2, 3):
            raise ValueError("a data set must give (x, y) or (x, y, sample_weight)")
        if batches and len(batch) != len(batches[0]):
            raise ValueError(
                f"each batch of a data set must give as many parts, got {len(batches[0])} "
                f"and {len(batch)}"
            )
        batches.append(batch)
        if any(len(np.shape(part)) == 0 for part in keras.tree.flatten(batch[:2])):
            raise ValueError("a data set must be batched: add .batch(32)")
        seen += len(keras.tree.flatten(batch[0])[0])
        if seen >= rows:
            break
    if not batches:
        raise ValueError("x must hold at least one example, got an empty data set")
    parts = [
        keras.tree.map_structure(
            lambda *leaves: np.concatenate([np.asarray(a) for a in leaves]), *p
        )
        for p in zip(*batches, strict=True)
    ]
    size = len(keras.tree.flatten(batches[0][0])[0])
    try:
        total = size * len(data)
    except TypeError:  # a data set that does not know its length
        total = 0
    return parts[0], parts[1], parts[2] if len(parts) == 3 else None, size, total


def _is_array(data: Any) -> bool:
    return hasattr(data, "dtype") or isinstance(data, list | dict)


def _not_finite(name: str, array: Array) -> str:
    """Return what is not finite in an array, "" if all is."""
    if array.dtype.kind != "f":
        return ""
    # The extremes are NaN or infinite if any value is: no copy of large data is made.
    if np.isfinite(array.min()) and np.isfinite(array.max()):
        return ""
    bad = int(np.sum(~np.isfinite(array)))
    return f"{bad} of {array.size} values of {name} are not finite, must be 0"
